"""power_cut_states.py BEFORE AFTER TRACE STATE SECRET

BEFORE became AFTER by the writes and flushes that strace recorded in TRACE, each byte written once. A sample
of the states that a power cut can leave (all that was flushed, and any part of the rest) is made in STATE,
each of which cryptsetup must open with SECRET."""
import pathlib
import random
import re
import subprocess
import sys

before, after, trace, state = (pathlib.Path(name) for name in sys.argv[1:5])
secret = sys.argv[5]
old, new = before.read_bytes(), after.read_bytes()

stages = [[]]  # of (offset, length); a flush ends one
for line in trace.read_text().splitlines():
    if "fdatasync(" in line:
        stages.append([])
        continue
    call = re.search(r"pwritev2\(\d+, \[\{iov_base=.*?, iov_len=(\d+)\}\], 1, (\d+), 0\) = (\d+)", line)
    if call is None or call[1] != call[3]:
        sys.exit(f"not a write as expected: {line}")
    stages[-1].append((int(call[2]), int(call[1])))
stages = [stage for stage in stages if stage]
if len(stages) < 2:
    sys.exit(f"only {len(stages)} stages")
random.seed(1)


def look(image, what):
    state.write_bytes(image)
    done = subprocess.run(["cryptsetup", "open", "--test-passphrase", "--header", state, "--key-file", secret, state],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{what}: does not open: {done.stderr}")


looked = 0
done = bytearray(old)
for number, stage in enumerate(stages):
    for size in 512, 4096:
        # Of a block only what was written: a file's page has the new bytes beside old ones.
        blocks = sorted({at // size * size for offset, length in stage for at in range(offset, offset + length, 512)})
        for share in 0.1, 0.5, 0.9:
            image = bytearray(done)
            for block in blocks:
                if random.random() >= share:
                    continue
                for offset, length in stage:
                    begin, end = max(block, offset), min(block + size, offset + length)
                    if begin < end:
                        image[begin:end] = new[begin:end]
            look(image, f"stage {number}, {share} of blocks of {size}")
            looked += 1
    for offset, length in stage:
        done[offset:offset + length] = new[offset:offset + length]
    look(done, f"stage {number}, all of it")
if bytes(done) != new:
    sys.exit("the trace does not have everything that was written")
print(f"-- {looked} states of {len(stages)} stages open")
