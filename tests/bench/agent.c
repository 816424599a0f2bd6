/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_TIMEOUT_MS 60000 /* an emulated machine takes ten times as long as a real one */
#define STOP_TIMEOUT_MS 5000
#define EXTRA_ARGS_MAX 8

static double now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void sleep_ms(long ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&pause, NULL);
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* A port that nobody used a moment ago. */
static int free_port(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int port = -EADDRINUSE;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		port = ntohs(address.sin_port);
	close(fd);
	return port;
}

static int connect_to(int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static ssize_t read_all(int fd, char *bytes, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, bytes + n, size - n);
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

int agent_get(const struct agent *agent, const char *path, char *ret_body, size_t size)
{
	char request[256];
	int status = 0;

	int fd = connect_to(agent->port);
	if (fd < 0)
		return fd;
	int n = snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
	if (write(fd, request, (size_t)n) != n) {
		close(fd);
		return -EIO;
	}
	ssize_t got = read_all(fd, ret_body, size - 1);
	close(fd);
	if (got < 0)
		return (int)got;
	ret_body[got] = '\0';
	if (sscanf(ret_body, "HTTP/1.%*d %d", &status) != 1)
		return -EPROTO;

	const char *body = strstr(ret_body, "\r\n\r\n");
	if (!body)
		return -EPROTO;
	memmove(ret_body, body + 4, strlen(body + 4) + 1);
	return status;
}

static void exec_agent(const char *path, int port, char *const extra[], const char *log_path)
{
	char listen_flag[64];
	char *args[EXTRA_ARGS_MAX + 3] = {(char *)path, listen_flag};
	int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* it does not outlive the benchmark */
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(127);
	snprintf(listen_flag, sizeof(listen_flag), "--web.listen-address=127.0.0.1:%d", port);
	for (int i = 0; extra && extra[i] && i < EXTRA_ARGS_MAX; i++)
		args[i + 2] = extra[i];
	execv(path, args);
	_exit(127);
}

static int wait_ready(struct agent *agent, double begin)
{
	char body[4096];

	while (now_ms() - begin < READY_TIMEOUT_MS) {
		if (agent_get(agent, "/readyz", body, sizeof(body)) == 200) {
			agent->ready_ms = now_ms() - begin;
			return 0;
		}
		if (waitpid(agent->pid, NULL, WNOHANG) == agent->pid) {
			agent->pid = 0;
			return -ECHILD;
		}
		sleep_ms(1);
	}
	agent_stop(agent);
	return -ETIMEDOUT;
}

int agent_start(struct agent *agent, const char *path, char *const extra[], const char *log_path)
{
	struct agent started = {.port = free_port()};

	if (started.port < 0)
		return started.port;
	double begin = now_ms();
	started.pid = fork();
	if (started.pid < 0)
		return -errno;
	if (started.pid == 0)
		exec_agent(path, started.port, extra, log_path);

	int r = wait_ready(&started, begin);
	if (r == 0)
		*agent = started;
	return r;
}

void agent_stop(struct agent *agent)
{
	if (agent->pid <= 0)
		return;
	kill(agent->pid, SIGTERM);
	for (int waited = 0; waited < STOP_TIMEOUT_MS; waited += 5) {
		if (waitpid(agent->pid, NULL, WNOHANG) == agent->pid) {
			agent->pid = 0;
			return;
		}
		sleep_ms(5);
	}
	kill(agent->pid, SIGKILL);
	(void)waitpid(agent->pid, NULL, 0);
	agent->pid = 0;
}
