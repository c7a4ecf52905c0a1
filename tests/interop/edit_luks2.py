"""edit_luks2.py HEADER STATEMENTS: changes the JSON of a LUKS2 header file in place.

STATEMENTS are Python and change the object `json`, such as "json['segments']['0']['size'] = '512'".
Both copies are written, with checksums that are right: what is wrong afterwards is the content alone.
"""

import json as codec
import sys

from luks_images import Luks2


def main(path, statements):
    with open(path, "rb") as file:
        header = Luks2(file.read())
    scope = {"json": codec.loads(header.text)}
    exec(statements, scope)
    header.put_json(scope["json"])
    with open(path, "wb") as file:
        file.write(header.image)


main(*sys.argv[1:])
