"""Measured in the peers' own environment: a check by djangorestframework-api-key and one by django-rest-knox."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import django
from django.conf import settings

with tempfile.TemporaryDirectory() as folder:
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(Path(folder) / "db.sqlite3")}},
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "rest_framework",
            "rest_framework_api_key",
            "knox",
        ],
        SECRET_KEY="benchmark",
        USE_TZ=True,
    )
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from knox.auth import TokenAuthentication
    from knox.models import AuthToken
    from rest_framework_api_key.models import APIKey

    call_command("migrate", verbosity=0)
    _, key = APIKey.objects.create_key(name="measured")
    user = get_user_model().objects.create_user("measured")
    _, token = AuthToken.objects.create(user)
    authentication = TokenAuthentication()
    checks: dict[str, Callable[[], object]] = {
        "djangorestframework-api-key": lambda: APIKey.objects.is_valid(key),
        "django-rest-knox": lambda: authentication.authenticate_credentials(token.encode()),
    }
    found: dict[str, list[float]] = {name: [] for name in checks}
    for _ in range(15):
        for name, check in checks.items():
            assert check()
            begun = time.perf_counter()
            for _ in range(200):
                check()
            found[name].append((time.perf_counter() - begun) / 200 * 1e6)
    print(json.dumps({name: median(values) for name, values in found.items()}))
