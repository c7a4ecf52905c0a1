#!/usr/bin/python3
"""What of a LUKS volume's keys and secret could lie in memory: key_material.py HEADER SECRET KEY.

HEADER, SECRET (what opens its one key slot) and KEY (the volume key) are files. On standard output
a JSON object of two kinds: "kept", which a server needs while it serves, in locked memory, and
"gone", which nothing needs once the volume is open. Each has names with bytes in hex.
"""
import base64
import ctypes
import hashlib
import json
import pathlib
import struct
import subprocess
import sys

# ---- AES: FIPS 197 ----


def times_x(a):
    return a << 1 ^ (0x11B if a & 0x80 else 0)


def times(a, b):
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = times_x(a), b >> 1
    return product


def make_s_box():
    box = []
    for value in range(256):
        inverse = next((x for x in range(256) if times(value, x) == 1), 0)
        rotations = (inverse << n | inverse >> (8 - n) for n in range(5))
        result = 0x63
        for rotated in rotations:
            result ^= rotated & 0xFF
        box.append(result)
    return bytes(box)


S_BOX = make_s_box()


def add(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def aes_round_keys(key):
    """Section 5.2."""
    length = len(key) // 4
    words = [key[4 * n:4 * n + 4] for n in range(length)]
    constant = 1
    for n in range(length, 4 * (length + 7)):
        word = words[-1]
        if n % length == 0:
            word = add((word[1:] + word[:1]).translate(S_BOX), bytes([constant, 0, 0, 0]))
            constant = times_x(constant)
        elif length == 8 and n % length == 4:
            word = word.translate(S_BOX)
        words.append(add(words[n - length], word))
    return [b"".join(words[n:n + 4]) for n in range(0, len(words), 4)]


def inverse_mix_columns(block):
    mixed = bytearray()
    for column in range(0, 16, 4):
        for row in range(4):
            value = 0
            for n, factor in enumerate((14, 11, 13, 9)):
                value ^= times(block[column + (row + n) % 4], factor)
            mixed.append(value)
    return bytes(mixed)


def aes(name, key):
    keys = aes_round_keys(key)
    found = {f"{name}: AES round key {n}": key for n, key in enumerate(keys)}
    # Section 5.3.5, the equivalent inverse cipher.
    for n, key in enumerate(keys[1:-1], 1):
        found[f"{name}: AES round key {n} for decryption"] = inverse_mix_columns(key)
    return found


# ---- Serpent ----

SERPENT_BOXES = [[int(digit, 16) for digit in box] for box in (
    "38f1a65bed42709c", "fc27905a1be86d34", "86793cafd1e40b52", "0fb8c963d124a75e",
    "1f83c0b6254a9e7d", "f52b4a9c03e8d671", "72c5846be91fd3a0", "1df0e82b74ca9356")]


def rotate(word, count):
    return (word << count | word >> (32 - count)) & 0xFFFFFFFF


def serpent(name, key):
    words = list(struct.unpack("<8I", (key + b"\1").ljust(32, b"\0")[:32]))
    for n in range(132):
        mixed = words[-8] ^ words[-5] ^ words[-3] ^ words[-1] ^ 0x9E3779B9 ^ n
        words.append(rotate(mixed, 11))
    found = {}
    for n in range(33):
        before = words[8 + 4 * n:12 + 4 * n]
        box = SERPENT_BOXES[(3 - n) % 8]
        after = [0] * 4
        for bit in range(32):
            value = box[sum((before[word] >> bit & 1) << word for word in range(4))]
            for word in range(4):
                after[word] |= (value >> word & 1) << bit
        found[f"{name}: Serpent prekey {n}"] = struct.pack("<4I", *before)
        found[f"{name}: Serpent round key {n}"] = struct.pack("<4I", *after)
    return found


# ---- Adiantum's keys: XChaCha with the nonce 1 ----


def chacha_permute(state, rounds):
    s = list(state)
    for n in range(rounds):
        for i in range(4):
            turn = n % 2  # columns, then diagonals
            a, b, c, d = (4 * row + (i + turn * row) % 4 for row in range(4))
            for x, y, z, count in (a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7):
                s[x] = (s[x] + s[y]) & 0xFFFFFFFF
                s[z] = rotate(s[z] ^ s[x], count)
    return s


def adiantum(key, rounds):
    constants = struct.unpack("<4I", b"expand 32-byte k")
    state = chacha_permute((*constants, *struct.unpack("<8I", key), 1, 0, 0, 0), rounds)
    subkey = state[:4] + state[12:]
    stream = b""
    for counter in range(18):
        start = (*constants, *subkey, counter, 0, 0, 0)
        block = chacha_permute(start, rounds)
        stream += struct.pack("<16I", *((x + y) & 0xFFFFFFFF for x, y in zip(start, block)))
    clamp = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    found = {"volume key": key, "Adiantum: XChaCha's subkey": struct.pack("<8I", *subkey)}
    found |= aes("Adiantum's block cipher key", stream[:32])
    for name, at in ("tweak", 32), ("message", 48):
        hash_key = stream[at:at + 16]
        clamped = int.from_bytes(hash_key, "little") & clamp
        found[f"Adiantum: hash key of the {name}"] = hash_key
        found[f"Adiantum: hash key of the {name}, clamped"] = clamped.to_bytes(16, "little")
    found["Adiantum: key of NH"] = stream[64:64 + 1072]
    return found


# ---- any cipher of a volume or a key slot ----


def cipher_keys(name, cipher, key):
    """What a cipher, as cryptsetup spells it, may make of its key."""
    block_cipher, mode, iv = cipher.split("-", 2)
    if mode == "adiantum":
        return adiantum(key, int(block_cipher.removeprefix("xchacha").split(",")[0]))
    parts = {name: key}
    if mode == "xts":
        middle = len(key) // 2
        parts = {f"{name}, first half": key[:middle], f"{name}, second half": key[middle:]}
    if iv.startswith("essiv:"):
        parts[f"{name}'s salt of essiv"] = hashlib.new(iv.removeprefix("essiv:"), key).digest()
    found = dict(parts)
    expand = {"aes": aes, "serpent": serpent}.get(block_cipher)
    for part, its_key in parts.items() if expand else ():
        found |= expand(part, its_key)
    return found


# ---- the header ----


def argon2(kdf, secret, size):
    library = ctypes.CDLL("libargon2.so.1")
    derive = library.argon2id_hash_raw if kdf["type"] == "argon2id" else library.argon2i_hash_raw
    salt, key = base64.b64decode(kdf["salt"]), ctypes.create_string_buffer(size)
    lengths = [ctypes.c_size_t(n) for n in (len(secret), len(salt), size)]
    result = derive(kdf["time"], kdf["memory"], kdf["cpus"], secret, lengths[0], salt, lengths[1],
                    key, lengths[2])
    assert result == 0, "Argon2 failed"
    return key.raw


def argon2_start(kdf, secret, size):
    """RFC 9106, section 3.2: H_0, from which all of the working memory is made."""
    salt = base64.b64decode(kdf["salt"])
    kind = {"argon2i": 1, "argon2id": 2}[kdf["type"]]
    numbers = struct.pack("<6I", kdf["cpus"], size, kdf["memory"], kdf["time"], 0x13, kind)
    texts = (struct.pack("<I", len(text)) + text for text in (secret, salt, b"", b""))
    return hashlib.blake2b(numbers + b"".join(texts)).digest()


def luks2_slot(header, secret):
    """The ciphers of the volume and of the key slot's area, the area's key, and what else led to it."""
    dump = subprocess.run(["cryptsetup", "luksDump", "--dump-json-metadata", header], check=True,
                          capture_output=True)
    metadata = json.loads(dump.stdout)
    [slot] = metadata["keyslots"].values()
    [segment] = metadata["segments"].values()
    area, kdf = slot["area"], slot["kdf"]
    if kdf["type"] == "pbkdf2":
        area_key = hashlib.pbkdf2_hmac(kdf["hash"], secret, base64.b64decode(kdf["salt"]),
                                       kdf["iterations"], area["key_size"])
        return segment["encryption"], area["encryption"], area_key, {}
    return (segment["encryption"], area["encryption"], argon2(kdf, secret, area["key_size"]),
            {"Argon2's H_0": argon2_start(kdf, secret, area["key_size"])})


def luks1_slot(image, secret):
    def text(at):
        return image[at:at + 32].rstrip(b"\0").decode()
    cipher = f"{text(8)}-{text(40)}"
    [key_bytes] = struct.unpack_from(">I", image, 108)
    [(iterations, salt)] = [
        struct.unpack_from(">I32s", image, at + 4) for at in range(208, 592, 48)
        if struct.unpack_from(">I", image, at) == (0x00AC71F3,)]
    area_key = hashlib.pbkdf2_hmac(text(72), secret, salt, iterations, key_bytes)
    return cipher, cipher, area_key, {}


def hmac_pads(name, key):
    return {f"{name}, in HMAC's {which} pad": bytes(byte ^ pad for byte in key)
            for which, pad in (("inner", 0x36), ("outer", 0x5C))}


def spellings(name, data):
    return {f"{name} in hex": data.hex().encode(), f"{name} in HEX": data.hex().upper().encode(),
            f"{name} in base64": base64.b64encode(data)}


def main():
    header, secret, volume_key = sys.argv[1], *(pathlib.Path(path).read_bytes()
                                                for path in sys.argv[2:])
    image = pathlib.Path(header).read_bytes()
    is_luks1 = image[6:8] == b"\0\1"
    cipher, area_cipher, area_key, steps = (luks1_slot(image, secret) if is_luks1
                                            else luks2_slot(header, secret))
    kept = cipher_keys("volume key", cipher, volume_key)
    gone = {"secret": secret} | steps
    gone |= cipher_keys("key of the key slot", area_cipher, area_key)
    for name, data in ("secret", secret), ("volume key", volume_key):
        gone |= hmac_pads(name, data) | spellings(name, data)
    gone |= spellings("key of the key slot", area_key)
    json.dump({kind: {name: data.hex() for name, data in material.items()}
               for kind, material in (("kept", kept), ("gone", gone))}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
