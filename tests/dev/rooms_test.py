#!/usr/bin/python3
"""Every file includes only what its room may use, as docs/architecture.md says."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]

# room: the rooms of ours, and the libraries of others, that it may include
rooms = {
    "config": ({"base", "config"}, {"toml++"}),
    "plugin/base": ({"base"}, set()),
    "plugin/crypto": ({"base", "crypto"}, {"cryptopp"}),
    "plugin/log": ({"base", "log"}, set()),
    "plugin/luks": ({"base", "crypto", "luks"}, {"nlohmann"}),
    "plugin/source": ({"base", "source"}, {"libnbd.h", "nlohmann"}),
    "plugin/secret": ({"base", "config", "crypto", "secret"}, set()),
    "plugin/volume": ({"base", "crypto", "source", "volume"}, set()),
    "plugin/metrics": ({"base", "metrics"}, {"microhttpd.h"}),
    "plugin/export": (
        {"base", "config", "crypto", "luks", "metrics", "source", "secret", "volume", "export"},
        set()),
    "plugin/status": ({"base", "export", "metrics", "status"}, {"nlohmann"}),
    "plugin": (
        {"base", "config", "crypto", "log", "luks", "metrics", "source", "secret", "volume", "export",
         "status"},
        {"nbdkit-plugin.h", "systemd"}),
    "server": ({"base", "config", "copy", "crypto", "edit", "export", "log", "luks", "secret", "source",
                "server", "status", "volume"},
               {"nlohmann", "CLI"}),
    "server/copy": ({"base", "server", "source", "volume"}, set()),
    "server/edit": ({"base", "config", "crypto", "export", "luks", "secret", "source"},
                    {"libcryptsetup.h", "blkid", "nlohmann"}),
}
foreign = set().union(*(libraries for _, libraries in rooms.values()))

mistakes = []
seen = set()
for folder in "config", "plugin", "server":
    for path in sorted((root / folder).rglob("*")):
        if path.suffix not in {".h", ".cpp"}:
            continue
        room = path.parent.relative_to(root).as_posix()
        seen.add(room)
        ours, libraries = rooms.get(room, (set(), set()))
        for kind, name in re.findall(r'^#include ([<"])([^>"]+)[>"]', path.read_text(), re.M):
            first = name.split("/")[0]
            if kind == '"':
                wrong = "/" in name and first not in ours
            else:
                wrong = first in foreign and first not in libraries
            if wrong:
                mistakes.append(f"{path.relative_to(root)} includes {name}")
if seen != set(rooms):
    mistakes.append(f"rooms: {sorted(seen)}, expected {sorted(rooms)}")
print("\n".join(mistakes) or f"{len(seen)} rooms keep to themselves")
sys.exit(bool(mistakes))
