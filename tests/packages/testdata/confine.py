"""Runs a command on the machine of a test as systemd would confine it.

    confine.py ROOT FOLDER UID GID CALLS FAMILIES COMMAND...

The command gets EPERM for system calls other than CALLS and for memory that is
writable and executable, and EAFNOSUPPORT for sockets of families other than
FAMILIES. Lists have commas.
"""
import ctypes
import errno
import os
import socket
import sys

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE = 2, 4
FAMILIES_END = 46


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p


def filtered(default, rules):
    """Loads a filter of rules: action, system call, and comparison of an argument."""
    context = ctypes.c_void_p(seccomp.seccomp_init(default))
    for action, call, comparison in rules:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number < 0:
            continue  # not a call of this machine
        count, array = (0, None) if comparison is None else (1, ctypes.byref(comparison))
        if seccomp.seccomp_rule_add_array(context, action, number, count, array) != 0:
            sys.exit("confine: no rule for " + call)
    if seccomp.seccomp_load(context) != 0:
        sys.exit("confine: no filter")


root, folder, uid, gid, calls, families = sys.argv[1:7]
command = sys.argv[7:]
known = {getattr(socket, name).value for name in families.split(",")}
denied = [
    (ERRNO | errno.EPERM, "mmap", Comparison(2, MASKED_EQUAL, WRITE | EXECUTE, WRITE | EXECUTE)),
    (ERRNO | errno.EPERM, "mprotect", Comparison(2, MASKED_EQUAL, EXECUTE, EXECUTE)),
    (ERRNO | errno.EPERM, "pkey_mprotect", Comparison(2, MASKED_EQUAL, EXECUTE, EXECUTE)),
] + [
    (ERRNO | errno.EAFNOSUPPORT, "socket", Comparison(0, EQUAL, family, 0))
    for family in range(FAMILIES_END) if family not in known
]
os.chroot(root)
os.chdir(folder)
os.setgroups([])
os.setgid(int(gid))
os.setuid(int(uid))
filtered(ALLOW, denied)
filtered(ERRNO | errno.EPERM, [(ALLOW, call, None) for call in calls.split(",")])
os.execv(command[0], command)
