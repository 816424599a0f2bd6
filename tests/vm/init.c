/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a guest: mounts what BPF tests need, loads /modules/NN.ko in order, makes the host's
 * files its root, runs the command in /cmd (one argument a line), says its exit code on the console and leaves QEMU.
 *
 * Kernel command line:
 *   vm.cwd=DIR    run the command there
 *   vm.out=DIR    mount the virtiofs share "out" read-write on DIR
 *   vm.first=PATH leave all but root, /dev, /proc and that share to this program, which becomes the first process: systemd
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define ARGS_MAX 256
#define MODULES_MAX 100
#define EXIT_PORT 0xf4 /* QEMU's isa-debug-exit, as run-in-vm sets it up */
#define CANNOT_RUN 126 /* as a shell says it */
#define COMMAND_NOT_FOUND 127

static int console;

/* Only this line on the console counts: QEMU's own failure to start looks like a guest's exit code. */
static void leave(int code)
{
	sync();
	(void)dprintf(console, "\n::vm-exit %d::\n", code);
	(void)ioctl(console, TCSBRK, 1);
#ifdef __x86_64__
	if (ioperm(EXIT_PORT, 1, 1) == 0)
		outb(0, EXIT_PORT);
#endif
	(void)reboot(RB_POWER_OFF);
	for (;;)
		(void)pause();
}

static void die(const char *what)
{
	(void)dprintf(STDERR_FILENO, "vm-init: %s: %s\n", what, strerror(errno));
	leave(CANNOT_RUN);
}

static void mount_on(const char *what, const char *where, const char *type, unsigned long flags,
		     const char *options)
{
	(void)mkdir(where, 0755);
	if (mount(what, where, type, flags, options) < 0)
		(void)dprintf(STDERR_FILENO, "vm-init: mount %s: %s\n", where, strerror(errno));
}

static void read_file(const char *path, char *text, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, bytes - 1);

	if (n < 0)
		die(path);
	(void)close(fd);
	text[n] = '\0';
}

/* The value of KEY=VALUE on the kernel's command line, "" when it is not there. */
static const char *parameter(const char *key, char *value, size_t bytes)
{
	char line[4096];

	read_file("/proc/cmdline", line, sizeof(line));
	const char *found = strstr(line, key);
	found = found ? found + strlen(key) : "";
	(void)snprintf(value, bytes, "%.*s", (int)strcspn(found, " \n"), found);
	return value;
}

/* The kernel talks on the console, the command on the second serial port, unless there is one only. */
#ifdef __x86_64__
#define TERMINAL "/dev/ttyS1"
#else
#define TERMINAL "/dev/console"
#endif

static void open_terminals(void)
{
	struct termios raw;

	console = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int fd = open(TERMINAL, O_RDWR | O_NOCTTY);
	if (tcgetattr(fd, &raw) == 0) {
		cfmakeraw(&raw);
		(void)tcsetattr(fd, TCSANOW, &raw);
	}
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		(void)dup2(fd, i);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

static void load_modules(void)
{
	for (int i = 0; i < MODULES_MAX; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/modules/%02d.ko", i);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
			(void)dprintf(STDERR_FILENO, "vm-init: %s: %s\n", path, strerror(errno));
		(void)close(fd);
	}
}

/* The host's files, with a tmpfs over them: what the guest writes is gone with it. */
static void enter_root(void)
{
	mount_on("root", "/lower", "virtiofs", MS_RDONLY, NULL);
	mount_on("tmpfs", "/over", "tmpfs", 0, NULL);
	(void)mkdir("/over/up", 0755);
	(void)mkdir("/over/work", 0755);
	mount_on("overlay", "/guest", "overlay", 0,
		 "lowerdir=/lower,upperdir=/over/up,workdir=/over/work");
	(void)mount("/dev", "/guest/dev", NULL, MS_MOVE, NULL);
	(void)mount("/proc", "/guest/proc", NULL, MS_MOVE, NULL);
	if (chdir("/guest") < 0 || chroot("/guest") < 0)
		die("chroot");
}

static void mount_kernel_interfaces(void)
{
	mount_on("sys", "/sys", "sysfs", 0, NULL);
	mount_on("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
	mount_on("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount_on("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	mount_on("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	mount_on("run", "/run", "tmpfs", 0, NULL);
	mount_on("shm", "/dev/shm", "tmpfs", 0, NULL);
	mount_on("devpts", "/dev/pts", "devpts", 0, NULL);
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("lo");
	(void)close(fd);
}

static void enter_directory(void)
{
	char out[256], cwd[256];

	if (*parameter("vm.out=", out, sizeof(out)))
		mount_on("out", out, "virtiofs", 0, NULL);
	if (*parameter("vm.cwd=", cwd, sizeof(cwd)) && chdir(cwd) < 0)
		die(cwd);
}

static void become(const char *program)
{
	enter_directory();
	(void)execl(program, program, (char *)NULL);
	die(program);
}

static void run(char *command)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	char *arguments[ARGS_MAX + 1] = {NULL};
	size_t count = 0;

	for (char *word = strtok(command, "\n"); word && count < ARGS_MAX;
	     word = strtok(NULL, "\n"))
		arguments[count++] = word;
	(void)setsid();
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited); /* BPF maps are charged to it before 5.11 */
	(void)setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	(void)setenv("HOME", "/root", 1);
	(void)setenv("LANG", "C.UTF-8", 1);
	(void)setenv("TMPDIR", "/dev/shm", 1); /* a file system of the kernel's own */
	(void)execvp(arguments[0], arguments);
	(void)dprintf(STDERR_FILENO, "vm-init: %s: %s\n", arguments[0], strerror(errno));
	_exit(COMMAND_NOT_FOUND);
}

static int wait_for(pid_t child)
{
	for (;;) {
		int status;
		pid_t pid = wait(&status);

		if (pid < 0 && errno != EINTR)
			return CANNOT_RUN;
		if (pid == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

int main(void)
{
	static char command[65536];
	char first[256];

	mount_on("dev", "/dev", "devtmpfs", 0, NULL);
	open_terminals();
	mount_on("proc", "/proc", "proc", 0, NULL);
	read_file("/cmd", command, sizeof(command));
	load_modules();
	enter_root();
	if (*parameter("vm.first=", first, sizeof(first)))
		become(first);
	mount_kernel_interfaces();
	loopback_up();
	enter_directory();

	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child == 0)
		run(command);
	int code = wait_for(child);
	(void)ioctl(STDOUT_FILENO, TCSBRK, 1); /* all of its output first */
	leave(code);
}
