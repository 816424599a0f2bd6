/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "web/clients.h"

struct pair {
	int ours;
	int theirs;
	struct client *client;
};

static struct pair connect_one(struct clients *clients)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	return (struct pair){fds[0], fds[1], clients_add(clients, fds[0], 0)};
}

static bool was_shut(const struct pair *pair)
{
	char byte;

	return read(pair->theirs, &byte, 1) == 0;
}

static void disconnect(struct clients *clients, struct pair *pair)
{
	if (pair->client)
		clients_remove(clients, pair->client);
	(void)close(pair->ours);
	(void)close(pair->theirs);
}

static void the_most_silent_makes_room(void **state)
{
	struct pair pairs[CLIENTS_MAX + 2];
	struct clients clients;

	(void)state;
	clients_init(&clients);
	for (int i = 0; i < CLIENTS_MAX; i++)
		pairs[i] = connect_one(&clients);
	clients_heard(&clients, pairs[0].client, 0);
	for (int i = 0; i < CLIENTS_MAX; i++)
		assert_false(was_shut(&pairs[i]));

	pairs[CLIENTS_MAX] = connect_one(&clients);
	pairs[CLIENTS_MAX + 1] = connect_one(&clients);
	for (int i = 0; i < CLIENTS_MAX + 2; i++)
		assert_int_equal(was_shut(&pairs[i]), i == 1 || i == 2);

	for (int i = 0; i < CLIENTS_MAX + 2; i++)
		disconnect(&clients, &pairs[i]);
	assert_int_equal(clients.open, 0);
}

static void a_full_table_turns_away(void **state)
{
	struct pair pairs[CLIENT_SLOTS + 1];
	struct clients clients;

	(void)state;
	clients_init(&clients);
	for (int i = 0; i < CLIENT_SLOTS + 1; i++)
		pairs[i] = connect_one(&clients);
	assert_non_null(pairs[CLIENT_SLOTS - 1].client);
	assert_null(pairs[CLIENT_SLOTS].client);
	assert_int_equal(clients.open, CLIENTS_MAX);

	for (int i = 0; i < CLIENT_SLOTS + 1; i++)
		disconnect(&clients, &pairs[i]);
	assert_int_equal(clients.open, 0);
}

/* A first request is due soon, a next one after a pause; whoever has asked has longer. */
static void the_slow_are_shut(void **state)
{
	struct pair pairs[3];
	struct clients clients;

	(void)state;
	clients_init(&clients);
	for (int i = 0; i < 3; i++)
		pairs[i] = connect_one(&clients);
	clients_heard(&clients, pairs[0].client, 0);
	clients_heard(&clients, pairs[1].client, CLIENT_FIRST_NS);

	clients_expire(&clients, CLIENT_FIRST_NS);
	assert_int_equal(clients.open, 3);
	clients_expire(&clients, CLIENT_FIRST_NS + 1);
	assert_true(was_shut(&pairs[2]));
	assert_int_equal(clients.open, 2);
	clients_expire(&clients, CLIENT_PAUSE_NS + 1);
	assert_true(was_shut(&pairs[0]));
	assert_false(was_shut(&pairs[1]));
	for (int i = 0; i < 3; i++)
		disconnect(&clients, &pairs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_slow_are_shut),
		cmocka_unit_test(the_most_silent_makes_room),
		cmocka_unit_test(a_full_table_turns_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
