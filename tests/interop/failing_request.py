"""failing_request.py --fault FILE --says TEXT --errno NAME REQUEST URI MODEL: makes one request while
FILE with TEXT makes the storage fail, and then the same in another place without. The first must
fail with that errno and change nothing but what it asked for, the second must work. MODEL is a file
with the bytes that the export has, before and after.
"""

import argparse
import errno
import os

import nbd

FIRST, SECOND = 8192, 40960  # any place will do


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", required=True)
    parser.add_argument("--says", default="")
    parser.add_argument("--errno", required=True)
    parser.add_argument("request", choices=["read", "write", "part", "zero", "fua", "flush"])
    parser.add_argument("uri")
    parser.add_argument("model")
    arguments = parser.parse_args()
    with open(arguments.model, "rb") as file:
        model = bytearray(file.read())

    def whole():
        return connection.pread(len(model), 0)

    def request(offset):
        """The data are in the model when they should be on the storage."""
        if arguments.request == "read":
            assert connection.pread(4096, offset) == model[offset : offset + 4096]
        elif arguments.request == "flush":
            connection.flush()
        else:
            size = 700 if arguments.request == "part" else 4096
            at = offset + (100 if arguments.request == "part" else 0)
            data = bytes(size) if arguments.request == "zero" else os.urandom(size)
            if arguments.request == "zero":
                connection.zero(size, at)
            else:
                flags = nbd.CMD_FLAG_FUA if arguments.request == "fua" else 0
                connection.pwrite(data, at, flags)
            model[at : at + size] = data

    connection = nbd.NBD()
    connection.connect_uri(arguments.uri)
    assert whole() == model
    with open(arguments.fault + ".new", "w") as file:
        file.write(arguments.says)
    os.rename(arguments.fault + ".new", arguments.fault)
    try:
        request(FIRST)
    except nbd.Error as error:
        assert error.errnum == getattr(errno, arguments.errno), error
    else:
        raise SystemExit("did not fail")
    if os.path.exists(arguments.fault):
        os.unlink(arguments.fault)
    found = whole()
    if arguments.request not in ("read", "flush"):  # it may have done it, or not
        model[FIRST : FIRST + 4096] = found[FIRST : FIRST + 4096]
    assert found == model
    request(SECOND)
    assert whole() == model
    with open(arguments.model, "wb") as file:
        file.write(model)
    connection.flush()
    connection.shutdown()


main()
