#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lists of system calls are short and sound, and their generator refuses those that are not."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).parents[2]
GENERATOR = TOP / 'src' / 'runtime' / 'gen-seccomp.py'
POLICIES = sorted((TOP / 'data' / 'seccomp').glob('*.policy'))
KINDS = ('iothread', 'main', 'vcpu', 'worker')
MACROS = '\n'.join(f'#define __NR_{name} {number}' for number, name in enumerate(
    ('read', 'write', 'ioctl', 'mmap', 'clone3', 'poll', 'syscalls')))


def run(*arguments):
    return subprocess.run([sys.executable, GENERATOR, *arguments], capture_output=True, text=True, check=False)


class Shipped(unittest.TestCase):
    def setUp(self):
        self.lists = {}
        for machine in ('x86_64', 'aarch64'):
            done = run('--list', '--machine', machine, *POLICIES)
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in done.stdout.splitlines():
                head, names = line.split(':')
                kind, count = head.split()
                self.lists[machine, kind] = names.split()
                self.assertEqual(int(count), len(set(names.split())))

    def test_main_thread_is_under_55(self):
        for machine in ('x86_64', 'aarch64'):
            self.assertLess(len(self.lists[machine, 'main']), 55)
            self.assertGreater(len(self.lists[machine, 'main']), 20)

    def test_others_have_less(self):
        for kind in KINDS:
            self.assertLessEqual(set(self.lists['x86_64', kind]), set(self.lists['x86_64', 'main']))
        for kind in ('iothread', 'vcpu', 'worker'):
            self.assertFalse({'openat', 'socket', 'connect'} & set(self.lists['x86_64', kind]))

    def test_nobody_starts_programs(self):
        for names in self.lists.values():
            self.assertFalse({'execve', 'execveat', 'fork', 'vfork', 'clone3', 'ptrace', 'kill',
                              'process_vm_writev', 'mount', 'setns', 'bpf'} & set(names))


class Generator(unittest.TestCase):
    def generate(self, **texts):
        """Policies of these texts, with `read` for kinds that have none."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            for kind in set(KINDS) | set(texts):
                (folder / f'{kind}.policy').write_text(texts.get(kind, 'read\n'), encoding='utf-8')
            (folder / 'macros').write_text(MACROS, encoding='utf-8')
            done = run('--macros', folder / 'macros', '--output', folder / 'out.c',
                       *(folder / f'{kind}.policy' for kind in KINDS))
            text = (folder / 'out.c').read_text(encoding='utf-8') if done.returncode == 0 else None
            return done.returncode, done.stderr, text

    def accept(self, **texts):
        status, errors, text = self.generate(**texts)
        self.assertEqual((status, errors), (0, ''))
        return text

    def refuse(self, message, **texts):
        status, errors, _ = self.generate(**texts)
        self.assertEqual(status, 1)
        self.assertIn(message, errors)
        self.assertEqual(len(errors.splitlines()), 1)

    def test_good(self):
        text = self.accept(main='read\n# words\nioctl 1 in A_1  # more\n    B_2\nclone3 else ENOSYS\n'
                                'mmap 2 without PROT_EXEC else EPERM\n')
        main = text[text.index('main_filter[]'):text.index('iothread_filter[]')]
        for part in ('__NR_read', 'A_1', 'B_2', 'REFUSE (ENOSYS)', 'IF_ANY ((guint32)PROT_EXEC'):
            self.assertIn(part, main)
        self.assertNotIn('A_1', text.replace(main, ''))
        self.assertLess(main.index('__NR_ioctl'), main.index('__NR_read'))

    def test_include(self):
        text = self.accept(common='ioctl 1 in A\n', vcpu='read\ninclude common\nioctl 1 in B\n',
                           main='include common\nread\nioctl 1 in B\n')
        self.assertIn('(guint32)A', text[text.index('vcpu_filter[]'):])

    def test_machines(self):
        text = self.accept(**{kind: 'poll on x86_64\nioctl 1 in A\nioctl 1 in B on aarch64\n' for kind in KINDS})
        self.assertIn('#ifdef __x86_64__\n  IF_EQUAL (__NR_poll, 0, 1),\n  ALLOW,\n#endif', text)
        self.assertIn('SKIP (4 + 2 * ON_AARCH64)', text)

    def test_duplicates(self):
        self.refuse('main.policy:2: read is there already: main.policy:1', main='read\nread\n')
        self.refuse('A is there already', main='read\nioctl 1 in A A\n')
        self.refuse('ioctl is there already', main='read\nioctl 1 in A\nioctl 1 in A\n')
        self.refuse('ioctl is there already', main='read\nioctl 1 in A\nioctl 2 in B\n')
        self.refuse('ioctl is there already', main='read\nioctl 1 in A\nioctl\n')
        self.refuse('read is there already: common.policy:1', common='read\n', main='include common\nread\n')

    def test_unknown_names(self):
        self.refuse('main.policy:2: there is no system call raed', main='read\nraed\n')
        self.refuse('there is no nothing.policy', main='include nothing\n')

    def test_nonsense(self):
        for line in ('Read', 'ioctl 6 in A', 'ioctl 1 in', 'read else', 'read else 5', 'read on vax', 'ioctl 1 has A'):
            self.refuse('main.policy:2:', main=f'read\n{line}\n')
        self.refuse('nothing to continue', main='  read\n')

    def test_inheritance(self):
        self.refuse('main.policy: lacks write, which iothread.policy has', iothread='read\nwrite\n')
        self.refuse('lacks ioctl B', main='read\nioctl 1 in A\n', vcpu='read\nioctl 1 in A B\n')
        self.refuse('lacks mmap', main='read\nmmap 2 without PROT_EXEC\n', vcpu='read\nmmap\n')
        self.accept(main='read\nmmap\n', vcpu='read\nmmap 2 without PROT_EXEC\n')


if __name__ == '__main__':
    unittest.main()
