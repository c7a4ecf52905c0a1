"""What transcript.py lets pass, and what it does not."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).with_name("transcript.py")


def markdown(*blocks):
    """A document; each block is commands, or commands and output."""
    text = "# Title\n\nProse.\n"
    for block in blocks:
        text += f"\n```sh\n{block[0]}\n```\n"
        if len(block) > 1:
            text += f"\n```text\n{block[1]}\n```\n"
    return text


class Transcript(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_on(self, text, *options, name="page.md"):
        self.page = self.folder / name
        self.page.write_text(text)
        command = [sys.executable, "-B", PROGRAM, self.page, *options]
        self.ran = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        return self.ran.returncode == 0

    def test_output_as_shown(self):
        self.assertTrue(self.run_on(markdown(("echo one; echo two >&2", "one\ntwo"), ("echo three",))))

    def test_other_output(self):
        self.assertFalse(self.run_on(markdown(("echo one", "two"))))
        self.assertIn("page.md:9 shows something else", self.ran.stdout)

    def test_output_that_is_shown_but_not_printed(self):
        self.assertFalse(self.run_on(markdown(("echo one", "one\ntwo"))))

    def test_command_that_fails(self):
        self.assertFalse(self.run_on(markdown(("echo one",), ("false\necho two",))))
        self.assertIn("page.md:10: a command ended with 1", self.ran.stdout)

    def test_failure_within_a_pipe(self):
        self.assertFalse(self.run_on(markdown(("false | cat",))))

    def test_variable_that_is_not_set(self):
        self.assertFalse(self.run_on(markdown(("echo $nothing",))))

    def test_blocks_share_a_shell(self):
        self.assertTrue(self.run_on(markdown(("mkdir a\ncd a\nx=1",), ("echo $x; basename $PWD", "1\na"))))

    def test_all_output(self):
        self.assertTrue(self.run_on(markdown(("echo one",))))
        self.assertFalse(self.run_on(markdown(("echo one",)), "--all-output"))

    def test_what_varies(self):
        shown = "UUID  8ae2f962-0000-4000-8000-0123456789ab in 0.25 seconds, 4 passes over 1024 KiB, 1 lane  x"
        printed = "UUID  00000000-1111-4222-8333-444444444444 in 12 seconds, 12 passes over 1 GiB, 4 lanes      x"
        self.assertTrue(self.run_on(markdown((f"echo '{printed}'", shown))))
        self.assertFalse(self.run_on(markdown((f"echo '{printed}'", shown.replace("UUID ", "ID ")))))

    def test_numbers_that_do_not_vary(self):
        self.assertFalse(self.run_on(markdown(("echo key slot 1", "key slot 2"))))

    def test_progress_writes_over_itself(self):
        self.assertTrue(self.run_on(markdown((r"printf '\r10%%\033[K\r100%%\033[K\r\033[Kdone\n'", "done"))))

    def test_folder(self):
        self.assertTrue(self.run_on(markdown(("echo $PWD/file", "/home/user/volumes/file"))))

    def test_replaced(self):
        self.assertTrue(self.run_on(markdown(("echo port 10810", "port 10810")), "--replace", "10810=4711"))
        self.assertIn("echo port 4711", self.ran.stdout)

    def test_update(self):
        self.assertTrue(self.run_on(markdown(("echo one", "?"), ("echo; echo two", "?"), ("echo three",)), "--update"))
        self.assertEqual(self.page.read_text(), markdown(("echo one", "one"), ("echo; echo two", "two"), ("echo three",)))

    def test_pod(self):
        text = "=head1 A\n\n false\n\n=head1 B\n\nP:\n\n cat <<E\n a\n\n b\n E\n\n    a\n\n    b\n\nQ:\n\n echo c \\\n     d\n\n    ?\n\n=head1 C\n\n false\n"
        self.assertFalse(self.run_on(text, "--section", "B", name="page.pod"))
        self.assertTrue(self.run_on(text.replace("    ?", "    c d"), "--section", "B", name="page.pod"))
        self.assertTrue(self.run_on(text, "--section", "B", "--update", name="page.pod"))
        self.assertEqual(self.page.read_text(), text.replace("    ?", "    c d"))

    def test_nothing_to_run(self):
        self.assertFalse(self.run_on("# Title\n"))


if __name__ == "__main__":
    unittest.main()
