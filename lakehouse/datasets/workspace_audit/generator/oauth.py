"""OAuth applications that people of the sample use: methods with the usual size of an answer, scopes with their product buckets."""

from __future__ import annotations

from dataclasses import dataclass

_G = "https://www.googleapis.com/auth/"

# Scope -> product buckets; several per scope are real.
SCOPES: dict[str, tuple[str, ...]] = {
    "openid": ("IDENTITY",),
    _G + "userinfo.email": ("IDENTITY", "OTHER"),
    _G + "userinfo.profile": ("IDENTITY", "OTHER"),
    "https://mail.google.com/": ("GMAIL",),
    _G + "gmail.readonly": ("GMAIL",),
    _G + "gmail.modify": ("GMAIL",),
    _G + "gmail.send": ("GMAIL",),
    _G + "gmail.settings.sharing": ("GMAIL",),
    _G + "drive": ("DRIVE",),
    _G + "drive.file": ("DRIVE",),
    _G + "drive.readonly": ("DRIVE", "OTHER"),
    _G + "calendar": ("CALENDAR",),
    _G + "calendar.readonly": ("CALENDAR",),
    _G + "contacts.readonly": ("CONTACTS", "OTHER"),
    _G + "tasks": ("TASKS",),
    _G + "script.projects": ("APPS_SCRIPT_API", "DRIVE"),
    _G + "admin.directory.user": ("GSUITE_ADMIN",),
    _G + "admin.directory.group.readonly": ("GSUITE_ADMIN", "GROUPS"),
    _G + "admin.reports.audit.readonly": ("GSUITE_ADMIN",),
    _G + "cloud-platform": ("OTHER",),
}

# Method -> (API, product bucket, natural logarithm of the usual number of bytes).
METHODS: dict[str, tuple[str, str, float]] = {
    "gmail.users.history.list": ("gmail", "GMAIL", 5.5),
    "gmail.users.messages.get": ("gmail", "GMAIL", 9.5),
    "gmail.users.messages.list": ("gmail", "GMAIL", 7.5),
    "gmail.users.messages.send": ("gmail", "GMAIL", 5.0),
    "gmail.users.settings.updateAutoForwarding": ("gmail", "GMAIL", 4.0),
    "drive.files.get": ("drive", "DRIVE", 10.5),
    "drive.files.list": ("drive", "DRIVE", 8.5),
    "drive.files.export": ("drive", "DRIVE", 12.0),
    "drive.changes.list": ("drive", "DRIVE", 6.5),
    "drive.permissions.create": ("drive", "DRIVE", 5.0),
    "calendar.events.list": ("calendar", "CALENDAR", 8.0),
    "calendar.events.insert": ("calendar", "CALENDAR", 6.0),
    "calendar.calendarList.list": ("calendar", "CALENDAR", 7.0),
    "people.connections.list": ("people", "CONTACTS", 8.0),
    "oauth2.userinfo.get": ("oauth2", "IDENTITY", 5.6),
    "tasks.tasks.list": ("tasks", "TASKS", 6.5),
    "script.projects.getContent": ("script", "APPS_SCRIPT_API", 8.5),
    "directory.users.list": ("admin", "GSUITE_ADMIN", 10.0),
    "directory.groups.list": ("admin", "GSUITE_ADMIN", 9.0),
}


@dataclass(frozen=True)
class OAuthApp:
    """An OAuth application.

    `more`: scopes that it asks for in addition from the middle of the sample on. `appears`: share of the sample before its first use.
    """

    name: str
    kind: str
    methods: tuple[str, ...]
    scopes: tuple[str, ...]
    more: tuple[str, ...] = ()
    appears: float = 0.0
    weight: float = 1.0


_MAIL = ("gmail.users.history.list", "gmail.users.messages.get", "gmail.users.messages.list", "gmail.users.messages.send")
_FILES = ("drive.files.get", "drive.files.list", "drive.changes.list")
_WHO = ("openid", _G + "userinfo.email", _G + "userinfo.profile")

APPS = (
    OAuthApp("iOS Account Manager", "NATIVE_IOS", (*_MAIL, "calendar.events.list"), (*_WHO, "https://mail.google.com/", _G + "calendar"), weight=9),
    OAuthApp("Thunderbird", "NATIVE_APPLICATION", (*_MAIL,), ("https://mail.google.com/",), weight=4),
    OAuthApp("Zoom", "WEB", ("calendar.events.list", "calendar.events.insert", "oauth2.userinfo.get"), (*_WHO, _G + "calendar"), weight=5),
    OAuthApp("Slack", "WEB", ("drive.files.list", "calendar.events.list", "oauth2.userinfo.get"), (*_WHO, _G + "drive.file"), weight=5),
    OAuthApp("Google Drive for desktop", "NATIVE_DESKTOP", _FILES, (_G + "drive",), weight=8),
    OAuthApp("Android Mail", "NATIVE_ANDROID", _MAIL, (*_WHO, _G + "gmail.modify", _G + "gmail.send"), weight=7),
    OAuthApp("Board & Cards", "WEB", ("drive.files.list", "tasks.tasks.list"), (*_WHO, _G + "drive.readonly", _G + "tasks"), weight=2),
    OAuthApp("CRM Sync", "WEB", (*_MAIL, "people.connections.list"), (*_WHO, _G + "gmail.readonly", _G + "contacts.readonly"), weight=3),
    OAuthApp(
        "Note Grabber",
        "NATIVE_CHROME_EXTENSION",
        ("drive.files.list", "drive.files.export", "gmail.users.messages.get"),
        (*_WHO, _G + "drive.readonly"),
        more=("https://mail.google.com/", _G + "drive"),
        weight=1.5,
    ),
    OAuthApp(
        "Mail Merge Plus",
        "WEB",
        ("gmail.users.messages.send", "gmail.users.settings.updateAutoForwarding", "people.connections.list"),
        (_G + "gmail.send", _G + "gmail.settings.sharing", _G + "contacts.readonly"),
    ),
    OAuthApp(
        "Backup Everything",
        "WEB",
        ("drive.files.export", "gmail.users.messages.get", "drive.permissions.create"),
        ("https://mail.google.com/", _G + "drive", _G + "contacts.readonly", _G + "calendar.readonly"),
        appears=0.5,
    ),
    OAuthApp("Clasp", "NATIVE_DEVICE", ("script.projects.getContent",), (_G + "script.projects", _G + "cloud-platform"), weight=0.5),
    OAuthApp(
        "Directory Mirror",
        "WEB",
        ("directory.users.list", "directory.groups.list"),
        (_G + "admin.directory.user", _G + "admin.directory.group.readonly"),
    ),
    OAuthApp("Budget «Übersicht»", "TYPE_UNSPECIFIED", ("drive.files.get", "calendar.calendarList.list"), (_G + "drive.file", "openid"), weight=0.5),
    OAuthApp("Conference Room TV", "CONNECTED_DEVICE", ("calendar.events.list",), (_G + "calendar.readonly",), weight=2),
    OAuthApp("PDF Convert Free", "WEB", ("drive.files.get",), (_G + "drive", _G + "gmail.readonly"), appears=0.7, weight=0.5),
)
