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
KINDS = ('iothread', 'main', 'migration', 'vcpu', 'worker')
MACROS = '\n'.join(f'#define __NR_{name} {number}' for number, name in enumerate(
    ('read', 'write', 'ioctl', 'mmap', 'clone3', 'poll', 'syscalls')))
MACROS += '\n#define __NR_renamed __NR3264_x\n#define __NR3264_x 99'


def run(*arguments):
    return subprocess.run([sys.executable, GENERATOR, *arguments], capture_output=True, text=True, check=False)


def verdict(program, numbers, call, **arguments):
    """What a generated program, a list of lines, answers to a system call."""
    at, loaded = 1, numbers[call]
    while True:
        line = program[at].strip().rstrip(',').replace('(guint32)', '')
        at += 1
        word, _, rest = line.partition(' (')
        values = [value.strip() for value in rest.rstrip(')').split(',')]
        if word in ('ALLOW', 'FORBID', 'REFUSE'):
            return line
        if word == 'SKIP':
            at += int(values[0])
        elif word == 'LOAD_ARGUMENT':
            loaded = arguments.get('a' + values[0])
        else:
            operand = values[0].removeprefix('__NR_') if values[0].startswith('__NR_') else values[0]
            operand = numbers.get(operand, operand)
            holds = {'IF_EQUAL': lambda: loaded == operand, 'IF_NOT_BELOW': lambda: loaded >= operand,
                     'IF_ANY': lambda: loaded == operand}[word]()
            at += int(values[1 if holds else 2])


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
            if kind == 'migration':
                continue  # it starts before the main thread is filtered
            self.assertLessEqual(set(self.lists['x86_64', kind]), set(self.lists['x86_64', 'main']))
        for kind in ('iothread', 'vcpu', 'worker'):
            self.assertFalse({'openat', 'socket', 'connect'} & set(self.lists['x86_64', kind]))

    def test_nobody_starts_programs(self):
        for names in self.lists.values():
            self.assertFalse({'execve', 'execveat', 'fork', 'vfork', 'clone3', 'ptrace', 'kill',
                              'process_vm_writev', 'mount', 'setns', 'bpf'} & set(names))


class Generator(unittest.TestCase):
    def generate(self, macros=MACROS, **texts):
        """Policies of these texts, with `read` for kinds that have none."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            for kind in set(KINDS) | set(texts):
                (folder / f'{kind}.policy').write_text(texts.get(kind, 'read\n'), encoding='utf-8')
            (folder / 'macros').write_text(macros, encoding='utf-8')
            done = run('--macros', folder / 'macros', '--output', folder / 'out.c',
                       *(folder / f'{kind}.policy' for kind in KINDS))
            text = (folder / 'out.c').read_text(encoding='utf-8') if done.returncode == 0 else None
            return done.returncode, done.stderr, text

    def accept(self, macros=MACROS, **texts):
        status, errors, text = self.generate(macros, **texts)
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
        text = self.accept(**{kind: 'read\npoll on x86_64\npselect on aarch64\nioctl 1 in A\n'
                                    'ioctl 1 in B on aarch64\n' for kind in KINDS})
        self.assertIn('__NR_poll', text)
        self.assertNotIn('pselect', text)
        self.assertNotIn('(guint32)B', text)
        self.assertIn('SKIP (4)', text)

    def test_numbers_by_other_numbers(self):
        """As the kernel's generic headers have them."""
        self.accept(**{kind: 'renamed\n' for kind in KINDS})

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

    def test_verdicts(self):
        """Each call finds its own rule, however many there are."""
        names = [f'call{chr(97 + n // 26)}{chr(97 + n % 26)}' for n in range(60)]
        numbers = {name: 3 * n % 61 for n, name in enumerate(names)}
        for count in (1, 2, 3, 4, 7, 60):
            allowed = names[::2][:count]
            rules = [f'{name}\n' for name in allowed] + ['ioctl 1 in A B\n', 'mmap 2 without X else EPERM\n',
                                                         'fcntl 1 in F_A F_B F_C\n', 'clone3 else ENOSYS\n']
            known = {**numbers, 'ioctl': 90, 'mmap': 91, 'fcntl': 1800, 'clone3': 93}
            macros = '\n'.join(f'#define __NR_{name} {number}' for name, number in known.items())
            text = self.accept(macros, **{kind: ''.join(rules) for kind in KINDS})
            lines = text.splitlines()
            begin = lines.index('static const struct sock_filter vcpu_filter[] = {') + 1
            program = lines[begin:lines.index('};', begin)]
            for name in names:
                self.assertEqual(verdict(program, known, name), 'ALLOW' if name in allowed else 'FORBID')
            for value in 'AB':
                self.assertEqual(verdict(program, known, 'ioctl', a1=value), 'ALLOW')
            self.assertEqual(verdict(program, known, 'ioctl', a1='C'), 'FORBID')
            self.assertEqual(verdict(program, known, 'mmap', a2='X'), 'REFUSE (EPERM)')
            self.assertEqual(verdict(program, known, 'mmap', a2='Y'), 'ALLOW')
            self.assertEqual(verdict(program, known, 'fcntl', a1='F_C'), 'ALLOW')
            self.assertEqual(verdict(program, known, 'fcntl', a1='F_D'), 'FORBID')
            self.assertEqual(verdict(program, known, 'clone3'), 'REFUSE (ENOSYS)')


if __name__ == '__main__':
    unittest.main()
