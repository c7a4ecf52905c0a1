"""What is served: one content, plain and encrypted in the ways that there are, and the secret that opens them all."""

import os
import subprocess


class Volumes:
    """In FOLDER: noise, the plain content; plain.img, a copy to be written to; luks1.img, with its header inside; and
    for each size of sectors a header and a payload of LUKS2. Encrypted volumes are empty yet."""

    def __init__(self, folder, mebibytes):
        self.folder, self.bytes = folder, mebibytes << 20
        self.secret = self.new("secret", os.urandom(16).hex().encode())
        self.noise = self.new("noise")
        with open(self.noise, "wb") as noise:
            for _ in range(mebibytes):
                noise.write(os.urandom(1 << 20))
        self.plain = self.new("plain.img")
        subprocess.run(["cp", self.noise, self.plain], check=True)
        self.luks1 = self.luks1_image("luks1.img", self.bytes, 1000)

    def new(self, name, content=b""):
        path = f"{self.folder}/{name}"
        with open(path, "wb", opener=lambda file, flags: os.open(file, flags, 0o600)) as file:
            file.write(content)
        return path

    def format(self, *arguments):
        command = ["cryptsetup", "luksFormat", "--batch-mode", "--cipher", "aes-xts-plain64", "--key-size", "512"]
        subprocess.run([*command, "--hash", "sha256", "--key-file", self.secret, *arguments], check=True)

    def luks1_image(self, name, size, iterations):
        """For `size` bytes of content behind its header."""
        image = self.new(name)
        os.truncate(image, size + (2 << 20))
        self.format("--type", "luks1", "--pbkdf-force-iterations", str(iterations), image)
        return image

    def luks2(self, name, size, *arguments):
        """A header and an empty payload of `size` bytes."""
        header, payload = f"{self.folder}/{name}.header", self.new(f"{name}.payload")
        os.truncate(payload, size)
        self.format("--type", "luks2", "--header", header, *arguments, payload)
        return header, payload

    def luks2_cheap(self, name, sector_size):
        """One that costs next to nothing to unlock."""
        kdf = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
        return self.luks2(name, self.bytes, "--sector-size", str(sector_size), *kdf)
