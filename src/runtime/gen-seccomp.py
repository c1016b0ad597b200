#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns data/seccomp/*.policy into the filter programs that src/runtime/sv-seccomp.c installs.

usage: gen-seccomp.py --machine MACHINE --macros FILE --output FILE.c FILE.policy...
       gen-seccomp.py --machine MACHINE --list FILE.policy...

The language of a policy is described in data/seccomp/README.md. --macros names the C preprocessor's list of
macros (cc -E -dM) of <sys/syscall.h>: from it come the names that messages show. Fails when a line is wrong,
repeats another one, or when a thread could start another kind of thread that needs more than it may do itself.
"""

import argparse
import copy
import re
import sys
from pathlib import Path

# The kinds of threads, as in SvThreadKind, each with those whose threads may start one: a filter is inherited.
KINDS = {
    'main': [],
    'iothread': ['main'],
    'vcpu': ['main'],
    'worker': ['main', 'iothread', 'vcpu', 'migration'],
    'migration': [],
}
# Kernel interfaces whose constants policies name.
HEADERS = ['errno.h', 'fcntl.h', 'linux/fs.h', 'linux/if_tun.h', 'linux/kvm.h', 'linux/vhost.h', 'net/if.h', 'sched.h',
           'sys/ioctl.h', 'sys/mman.h', 'sys/prctl.h', 'sys/socket.h', 'linux/seccomp.h']
MACHINES = ('x86_64', 'aarch64')
# These are looked for first: vCPUs enter the guest by it.
FIRST = ['ioctl']
LINE = re.compile(r'(?P<name>[a-z][a-z0-9_]*)'
                  r'(?: (?P<argument>[0-5]) (?P<test>in|without) (?P<values>[A-Z][A-Z0-9_]*(?: [A-Z][A-Z0-9_]*)*))?'
                  r'(?: else (?P<errno>E[A-Z0-9]+))?'
                  r'(?: on (?P<machine>[a-z0-9_]+))?')


class PolicyError(Exception):
    """What is wrong, with the file and line it is wrong in."""


class Rule:
    """What a policy says of one system call."""

    def __init__(self, found, where):
        self.name = found['name']
        self.argument = int(found['argument']) if found['argument'] else None
        self.test = found['test']
        self.errno = found['errno']
        self.where = where
        # The machine it is for, '' for all; with a test each value has its own
        self.machine = '' if self.test else found['machine'] or ''
        self.values = {}
        if self.test:
            self.add_values(found, where)

    def add_values(self, found, where):
        for value in found['values'].split():
            if value in self.values:
                raise PolicyError(f'{where}: {self.name}: {value} is there already')
            self.values[value] = found['machine'] or ''

    def shape(self):
        return self.argument, self.test, self.errno, self.machine

    @property
    def allows(self):
        """Whether the call can succeed; an errno without a test refuses it always."""
        return self.test is not None or self.errno is None

    def merge(self, other):
        """A rule for the same call with the values of both."""
        merged = copy.copy(self)
        merged.values = self.values | other.values
        return merged

    def covers(self, other):
        """What @other needs that this rule does not give, or None."""
        if not self.allows:
            return None if not other.allows and self.errno == other.errno else self.name
        if self.test is None:
            return None if self.machine in ('', other.machine) else self.name
        if self.shape() != other.shape():
            return self.name
        given, needed = set(self.values.items()), set(other.values.items())
        missing = needed - given if self.test == 'in' else given - needed
        return f'{self.name} {sorted(missing)[0][0]}' if missing else None


class Policy:
    """The rules of one kind of thread, those it includes with them."""

    def __init__(self, path):
        self.kind = path.stem
        self.rules = {}
        self.read(path)

    def read(self, path):
        logical = None
        lines = path.read_text(encoding='utf-8').splitlines()
        for number, line in enumerate([*lines, ''], 1):
            line = line.split('#')[0].rstrip()
            if line.startswith(' ') and line.strip():
                if logical is None:
                    raise PolicyError(f'{path.name}:{number}: nothing to continue')
                logical = (logical[0] + ' ' + ' '.join(line.split()), logical[1])
                continue
            if logical:
                self.add(path, f'{path.name}:{logical[1]}', logical[0])
            logical = (' '.join(line.split()), number) if line else None

    def add(self, path, where, line):
        if line.startswith('include '):
            self.include(path.with_name(line.split()[1] + '.policy'), where)
            return
        found = LINE.fullmatch(line)
        if not found or (found['machine'] and found['machine'] not in MACHINES):
            raise PolicyError(f"{where}: '{line}' is no rule: see README.md")
        if found['test'] == 'without' and found['machine']:
            raise PolicyError(f'{where}: a mask is for all machines')
        rule = Rule(found, where)
        old = self.rules.setdefault(rule.name, rule)
        if old is not rule:
            if rule.test != 'in' or rule.shape() != old.shape() or rule.values.keys() & old.values.keys():
                raise PolicyError(f'{where}: {rule.name} is there already: {old.where}')
            self.rules[rule.name] = old.merge(rule)

    def include(self, path, where):
        if not path.exists():
            raise PolicyError(f'{where}: there is no {path.name}')
        for rule in Policy(path).rules.values():
            old = self.rules.setdefault(rule.name, rule)
            if rule.shape() != old.shape():
                raise PolicyError(f'{where}: {rule.where} and {old.where} differ')
            self.rules[rule.name] = old.merge(rule)

    def check_starts(self, other):
        """Fails unless a thread of this kind may start one of kind @other."""
        for name, needed in other.rules.items():
            given = self.rules.get(name)
            missing = name if given is None and needed.allows else given and given.covers(needed)
            if missing:
                raise PolicyError(f'{self.kind}.policy: lacks {missing}, which {other.kind}.policy has: a '
                                  f'{other.kind} thread that it starts inherits its filter')

    def allowed(self, machine):
        """Names of the calls that can succeed on a machine."""
        return sorted(rule.name for rule in self.rules.values() if rule.allows and rule.machine in ('', machine))


def rule_code(rule, machine):
    """BPF for one rule: the number of the call is in the accumulator, and still is when it is not this call."""
    number = f'__NR_{rule.name}'
    refuse = f'REFUSE ({rule.errno})' if rule.errno else 'FORBID'
    if rule.test is None:
        return [f'IF_EQUAL ({number}, 0, 1)', refuse if rule.errno else 'ALLOW']
    load = f'LOAD_ARGUMENT ({rule.argument})'
    if rule.test == 'without':
        mask = ' | '.join(f'(guint32){value}' for value in rule.values)
        return [f'IF_EQUAL ({number}, 0, 4)', load, f'IF_ANY ({mask}, 0, 1)', refuse, 'ALLOW']
    lines = [load]
    for value, where in rule.values.items():
        if where in ('', machine):
            lines += [f'IF_EQUAL ((guint32){value}, 0, 1)', 'ALLOW']
    lines.append(refuse)
    # An unconditional jump leaps over blocks of any length, a conditional one not.
    return [f'IF_EQUAL ({number}, 1, 0)', f'SKIP ({len(lines)})', *lines]


def tree_code(rules, numbers, machine):
    """BPF that finds the rule of a call by halving; rules are sorted by number. It ends with a verdict.

    When a filter is installed the kernel tries each number there is: a list from end to end would take it long.
    """
    if len(rules) <= 3:
        return [line for rule in rules for line in rule_code(rule, machine)] + ['FORBID']
    half = len(rules) // 2
    above = tree_code(rules[half:], numbers, machine)
    return [f'IF_NOT_BELOW (__NR_{rules[half].name}, 1, 0)', f'SKIP ({len(above)})', *above,
            *tree_code(rules[:half], numbers, machine)]


def policy_code(policy, numbers, machine):
    rules = [rule for rule in policy.rules.values() if rule.machine in ('', machine)]
    for rule in rules:
        if rule.name not in numbers:
            raise PolicyError(f'{rule.where}: there is no system call {rule.name}')
    rules.sort(key=lambda rule: numbers[rule.name])
    lines = ['PROLOGUE']
    for rule in rules:
        if rule.name in FIRST:
            lines += rule_code(rule, machine)
    lines += tree_code([rule for rule in rules if rule.name not in FIRST], numbers, machine)
    return [f'static const struct sock_filter {policy.kind}_filter[] = {{', *(f'  {line},' for line in lines),
            '};', '']


def read_numbers(macros):
    """The machine's system calls, by name; some machines define one by another."""
    defined = dict(re.findall(r'^#define (__NR\w+) (\w+)$', macros, re.M))
    numbers = {}
    for name, value in defined.items():
        while value in defined:
            value = defined[value]
        if name.startswith('__NR_') and value.isdigit():
            numbers[name.removeprefix('__NR_')] = int(value)
    return {name: number for name, number in numbers.items() if name not in ('syscalls', 'arch_specific_syscall')}


def names_code(numbers):
    """The system calls' names; no pointers, so that the table needs no relocation."""
    return ['const char sv_seccomp_names[][32] = {', *(f'  [__NR_{name}] = "{name}",' for name in sorted(numbers)),
            '};', '', 'const gsize sv_seccomp_n_names = G_N_ELEMENTS (sv_seccomp_names);', '']


PREAMBLE = '''/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made by src/runtime/gen-seccomp.py from data/seccomp. */

#include "src/runtime/sv-seccomp-private.h"

#include <stddef.h>
#include <linux/audit.h>
#include <sys/syscall.h>
'''

MACROS = '''
#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#error "no system call policies for this machine"
#endif

/* Arguments that are tested are 32 bits wide for the kernel. */
#if G_BYTE_ORDER != G_LITTLE_ENDIAN
#error "the lower half of an argument is not in front"
#endif

/* What pthread_create () asks for */
#define SV_CLONE_THREAD                                                                                    \\
  (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS         \\
   | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

#define LOAD(where) { BPF_LD | BPF_W | BPF_ABS, 0, 0, where }
#define LOAD_ARGUMENT(n) LOAD (offsetof (struct seccomp_data, args) + 8 * n)
#define IF_EQUAL(value, yes, no) { BPF_JMP | BPF_JEQ | BPF_K, yes, no, value }
#define IF_NOT_BELOW(value, yes, no) { BPF_JMP | BPF_JGE | BPF_K, yes, no, value }
#define IF_ANY(mask, yes, no) { BPF_JMP | BPF_JSET | BPF_K, yes, no, mask }
#define SKIP(n) { BPF_JMP | BPF_JA, 0, 0, n }
#define RETURN(what) { BPF_RET | BPF_K, 0, 0, what }
#define ALLOW RETURN (SECCOMP_RET_ALLOW)
#define REFUSE(number) RETURN (SECCOMP_RET_ERRNO | number)
#define FORBID RETURN (SECCOMP_RET_TRAP)
#define PROLOGUE                                      \\
  LOAD (offsetof (struct seccomp_data, arch)),        \\
  IF_EQUAL (MACHINE, 1, 0),                           \\
  RETURN (SECCOMP_RET_KILL_PROCESS),                  \\
  LOAD (offsetof (struct seccomp_data, nr))
'''


def generate(policies, macros, machine):
    numbers = read_numbers(macros)
    lines = [PREAMBLE + '\n'.join(f'#include <{header}>' for header in sorted(HEADERS)) + MACROS]
    for policy in policies:
        lines += policy_code(policy, numbers, machine)
    lines.append('const SvSeccompFilter sv_seccomp_filters[] = {')
    for policy in policies:
        lines += [f'  {{ "{policy.kind}", G_N_ELEMENTS ({policy.kind}_filter), {policy.kind}_filter }},']
    return '\n'.join([*lines, '};', '', *names_code(numbers)])


def load(paths):
    found = {path.stem: path for path in paths}
    missing = set(KINDS) - set(found)
    if missing:
        raise PolicyError(f'{sorted(missing)[0]}.policy is missing')
    policies = {kind: Policy(found[kind]) for kind in KINDS}
    for kind, starters in KINDS.items():
        for starter in starters:
            policies[starter].check_starts(policies[kind])
    return list(policies.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--macros', type=Path)
    parser.add_argument('--output', type=Path)
    parser.add_argument('--list', action='store_true', help='print what each kind of thread may call')
    parser.add_argument('--machine', choices=MACHINES, default='x86_64')
    parser.add_argument('policies', nargs='+', type=Path)
    options = parser.parse_args()
    try:
        policies = load(options.policies)
        if options.list:
            for policy in policies:
                names = policy.allowed(options.machine)
                print(f'{policy.kind} {len(names)}:', *names)
            return 0
        text = generate(policies, options.macros.read_text(encoding='utf-8'), options.machine)
        options.output.write_text(text, encoding='utf-8')
    except PolicyError as error:
        print(f'gen-seccomp: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
