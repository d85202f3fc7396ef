"""The HTTP gate: bearer tokens verified for proxies, services and Python applications."""

from botdesk.gate.middleware import BearerAuth as BearerAuth
from botdesk.gate.middleware import ServiceAccount as ServiceAccount
