"""`/openapi.json`: what the gate answers, for programs."""

from typing import Any, Final

from starlette.requests import Request

from botdesk import __version__
from botdesk.gate import reply
from botdesk.gate.door import Door
from botdesk.gate.journal import Entry
from botdesk.gate.reply import Reply

Part = dict[str, Any]


async def description(door: Door, request: Request, entry: Entry) -> Reply:
    """Describe the gate (OpenAPI 3.0)."""
    return reply.as_json(200, DESCRIPTION)


def _json(words: str, schema: str, **headers: str) -> Part:
    return {
        "description": words,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
        **_headers(**headers),
    }


def _headers(**headers: str) -> Part:
    if not headers:
        return {}
    return {
        "headers": {
            name.replace("_", "-"): {"description": words, "required": True, "schema": {"type": "string"}}
            for name, words in headers.items()
        }
    }


_CHALLENGE: Final = "a challenge (RFC 6750 §3)"
_UNAVAILABLE: Final = _json("The store cannot record uses now, or too much is asked.", "Error", Retry_After="seconds")
_MALFORMED: Final = _json("The request is malformed.", "Error", WWW_Authenticate=_CHALLENGE)
_REFUSED: Final = {
    "400": _MALFORMED,
    "401": _json("No bearer token, or none that is live.", "Error", WWW_Authenticate=_CHALLENGE),
    "403": _json("The token lacks a scope.", "Error", WWW_Authenticate=_CHALLENGE),
    "503": _UNAVAILABLE,
}
_FORM_REFUSED: Final = {
    "408": _json("The body did not come.", "Error"),
    "413": _json("The body is too large.", "Error"),
    "503": _UNAVAILABLE,
}
_UNSCOPED: Final = {status: told for status, told in _REFUSED.items() if status != "403"}
_OVERLAP: Final = {
    "required": False,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {"type": "object", "properties": {"overlap": {"type": "string", "pattern": "^[0-9]{1,2}[dhm]$"}}}
        }
    },
}
_FORM: Final = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["token"],
                "properties": {
                    "token": {"type": "string", "minLength": 1, "maxLength": 256},
                    "token_type_hint": {"type": "string", "maxLength": 64},
                },
                "additionalProperties": {"type": "string", "maxLength": 64},
                "maxProperties": 8,
            }
        }
    },
}
_SCOPE: Final = {
    "type": "string",
    "description": "scopes that the token must have, separated by spaces",
    "pattern": r"^[\x21\x23-\x2B\x2D-\x5B\x5D-\x7E]{1,128}$",
}
_VERIFY: Final = {
    "summary": "May this request pass?",
    "parameters": [
        {"name": "scope", "in": "query", "schema": _SCOPE},
        {"name": "X-Required-Scope", "in": "header", "schema": _SCOPE},
        *(
            {"name": name, "in": "header", "schema": {"type": "string"}, "description": "taken from trusted proxies"}
            for name in ("X-Forwarded-For", "X-Forwarded-Method", "X-Forwarded-Uri")
        ),
    ],
    "security": [{"bearer": []}],
    "responses": {
        "200": {
            "description": "It may.",
            **_headers(
                X_Botdesk_Account="the account's name",
                X_Botdesk_Token="the token's lookup id",
                X_Botdesk_Scope="the token's scopes",
            ),
        },
        **_REFUSED,
    },
}

DESCRIPTION: Final[Part] = {
    "openapi": "3.0.3",
    "info": {
        "title": "botdesk gate",
        "version": __version__,
        "description": "Verifies bearer tokens of service accounts for proxies and services.",
    },
    "paths": {
        "/verify": {"get": _VERIFY},
        "/introspect": {
            "post": {
                "summary": "What is this token worth? (RFC 7662)",
                "security": [{"bearer": []}, {"basic": []}],
                "requestBody": _FORM,
                "responses": {"200": _json("What it is worth.", "Introspection"), **_REFUSED, **_FORM_REFUSED},
            }
        },
        "/revoke": {
            "post": {
                "summary": "End this token. (RFC 7009)",
                "requestBody": _FORM,
                "responses": {
                    "200": {"description": "It is not live now."},
                    "400": _MALFORMED,
                    **_FORM_REFUSED,
                },
            }
        },
        "/whoami": {
            "get": {
                "summary": "Who am I, what may I do, and until when?",
                "security": [{"bearer": []}],
                "responses": {"200": _json("Who you are.", "Whoami"), **_UNSCOPED},
            }
        },
        "/rotate": {
            "post": {
                "summary": "Give me my token's successor: by the scope botdesk:rotate, over TLS or a Unix socket.",
                "security": [{"bearer": []}],
                "requestBody": _OVERLAP,
                "responses": {
                    "200": _json("The successor, once.", "Successor"),
                    "400": _MALFORMED,
                    "401": _REFUSED["401"],
                    "403": _json("The token lacks the scope, or the line is not private.", "Error"),
                    "409": _json("It was rotated already.", "Error"),
                    **_FORM_REFUSED,
                },
            }
        },
        "/healthz": {
            "get": {
                "summary": "Can the gate do its work?",
                "responses": {"200": _json("It can.", "Health"), "503": _json("It cannot.", "Health")},
            }
        },
        "/metrics": {
            "get": {
                "summary": "Figures for Prometheus.",
                "responses": {
                    "200": {"description": "Figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}
                },
            }
        },
        "/openapi.json": {
            "get": {
                "summary": "This description.",
                "responses": {
                    "200": {
                        "description": "OpenAPI 3.0.",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    }
                },
            }
        },
    },
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic", "description": "the token as the password"},
        },
        "schemas": {
            "Error": {
                "type": "object",
                "required": ["error", "error_description"],
                "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
            },
            "Health": {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": {"enum": ["ok", "failing"]},
                    "reason": {"type": "string"},
                    "hint": {"type": "string"},
                },
            },
            "Whoami": {
                "type": "object",
                "required": ["account", "account_id", "token_id", "scopes", "issued_at", "expires_at", "days_left"],
                "properties": {
                    **{name: {"type": "string"} for name in ("account", "account_id", "token_id", "issued_at")},
                    "scopes": {"type": "array", "items": {"type": "string"}},
                    "expires_at": {"type": "string", "nullable": True},
                    "days_left": {"type": "integer", "nullable": True},
                },
            },
            "Successor": {
                "type": "object",
                "required": ["access_token", "token_type", "token_id", "scope", "account", "predecessor_id"],
                "properties": {
                    **{
                        name: {"type": "string"}
                        for name in (
                            *("access_token", "token_type", "token_id", "scope", "account", "predecessor_id"),
                            "expires_at",
                        )
                    },
                    "expires_in": {"type": "integer"},
                },
            },
            "Introspection": {
                "type": "object",
                "required": ["active"],
                "properties": {
                    "active": {"type": "boolean"},
                    **{
                        name: {"type": "string"}
                        for name in ("scope", "client_id", "username", "token_type", "sub", "iss", "jti")
                    },
                    **{name: {"type": "integer"} for name in ("iat", "exp")},
                },
            },
        },
    },
}
