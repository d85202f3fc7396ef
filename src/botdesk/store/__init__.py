"""The store: engine, tables, transactions, reach and schema."""
