/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * Floating-point state of user-mode Linux (6.1, 6.12) on hosts with AMX.
 *
 * That kernel hands the host a buffer of fixed size for a task's extended state. A host whose state is larger (AMX
 * tiles take 8 KiB) refuses to restore from a part of it, and the guest's first program dies. So the host's whole
 * area passes through one big buffer here, and a task keeps the head that the kernel has room for. One buffer is
 * enough: the guest has one CPU, and between a save and a restore only the head differs from task to task.
 *
 * The lab appends this file to the guest kernel's registers.c after putting the two functions there aside.
 */

/* The header of an XSAVE area begins behind the 512 bytes of legacy state, with the bitmap of components present. */
enum { XSTATE_WORDS = 4096, XSTATE_BITMAP_WORD = 512 / sizeof(unsigned long) };

/* x87, SSE, AVX, MPX, AVX-512 and PKRU: what lies within the head that a task keeps. */
#define XSTATE_KEPT 0x2ffUL

static struct {
	unsigned long words[XSTATE_WORDS];
	size_t bytes; /* the size that the host gave */
} host_xstate;

int save_fp_registers(int pid, unsigned long *task)
{
	struct iovec area = { host_xstate.words, sizeof(host_xstate.words) };

	if (!have_xstate_support)
		return save_i387_registers(pid, task);
	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &area) < 0)
		return -errno;
	host_xstate.bytes = area.iov_len;
	for (size_t i = 0; i < FP_SIZE; i++)
		task[i] = host_xstate.words[i];
	return 0;
}

int restore_fp_registers(int pid, unsigned long *task)
{
	struct iovec area = { host_xstate.words, host_xstate.bytes };

	if (!have_xstate_support)
		return restore_i387_registers(pid, task);
	for (size_t i = 0; i < FP_SIZE; i++)
		host_xstate.words[i] = task[i];
	host_xstate.words[XSTATE_BITMAP_WORD] &= XSTATE_KEPT;
	return ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &area) < 0 ? -errno : 0;
}
