/* SPDX-License-Identifier: Apache-2.0 */
#include "record/frame.h"

#include <errno.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a recording is little-endian");
_Static_assert(sizeof(struct recording_header) == 48, "no padding");
_Static_assert(sizeof(struct frame_head) == 4 + 4 * FRAME_MASKS + 3 * FRAME_TEXTS_COUNT,
	       "no padding");
_Static_assert(FRAME_WORDS > 32 * (FRAME_MASKS - 1) && FRAME_FIXED_BYTES % sizeof(uint64_t) == 0 &&
		       FRAME_WORDS <= 32 * FRAME_MASKS,
	       "a bit for each word");

/* Bits of the last mask that no word has. */
#define NO_WORDS ((uint32_t)(~0ull << (FRAME_WORDS - 32ul * (FRAME_MASKS - 1))))

struct place {
	size_t at;
	size_t size;
};

#define X(member) {offsetof(struct run, member), sizeof(((struct run *)0)->member)},
static const struct place places[FRAME_TEXTS_COUNT] = {FRAME_TEXTS(X)};
#undef X

#define X(member) +sizeof(((struct run *)0)->member)
_Static_assert(FRAME_FIXED_BYTES FRAME_TEXTS(X) == sizeof(struct run),
	       "a frame holds all of a run");
#undef X

void header_make(bool payload, struct recording_header *ret)
{
	*ret = (struct recording_header){
		.version = RECORDING_VERSION,
		.flags = payload ? RECORDING_PAYLOAD : 0,
		.header_bytes = sizeof(*ret),
		.run_bytes = sizeof(struct run),
		.fixed_bytes = FRAME_FIXED_BYTES,
		.texts = FRAME_TEXTS_COUNT,
	};
	memcpy(ret->magic, RECORDING_MAGIC, sizeof(ret->magic));
}

const char *header_problem(const void *bytes, size_t n)
{
	struct recording_header header, own;

	header_make(false, &own);
	if (n < sizeof(header.magic) || memcmp(bytes, own.magic, sizeof(own.magic)) != 0)
		return "is not a recording of bunscope";
	if (n < sizeof(header))
		return "ends within its header: nothing was recorded";
	memcpy(&header, bytes, sizeof(header));
	if (header.version > own.version)
		return "was recorded by a newer bunscope: replay it with that one";
	if (header.version < own.version || header.header_bytes != own.header_bytes ||
	    header.run_bytes != own.run_bytes || header.fixed_bytes != own.fixed_bytes ||
	    header.texts != own.texts)
		return "holds records of another layout: replay it with the bunscope that made it";
	if (header.flags & RECORDING_COMPLETE && header.bytes != n)
		return "was closed with another size: it is damaged";
	return NULL;
}

/* How much of a text comes before a run of equal bytes at its end. */
static size_t text_used(const uint8_t *text, size_t size)
{
	size_t n = size;

	while (n > 0 && text[n - 1] == text[size - 1])
		n--;
	return n;
}

static uint8_t *words_write(const uint8_t *record, uint32_t masks[FRAME_MASKS], uint8_t *p)
{
	for (size_t i = 0; i < FRAME_WORDS; i++) {
		uint64_t word;

		memcpy(&word, record + i * sizeof(word), sizeof(word));
		if (!word)
			continue;
		masks[i / 32] |= 1u << i % 32;
		memcpy(p, &word, sizeof(word));
		p += sizeof(word);
	}
	return p;
}

static const uint8_t *words_read(const uint8_t *p, const uint32_t masks[FRAME_MASKS],
				 uint8_t *record)
{
	for (size_t i = 0; i < FRAME_WORDS; i++) {
		uint64_t word = 0;

		if (masks[i / 32] & 1u << i % 32) {
			memcpy(&word, p, sizeof(word));
			p += sizeof(word);
		}
		memcpy(record + i * sizeof(word), &word, sizeof(word));
	}
	return p;
}

size_t frame_write(const struct run *run, uint8_t *ret)
{
	const uint8_t *record = (const uint8_t *)run;
	struct frame_head head = {};
	uint8_t *p = words_write(record, head.words, ret + sizeof(head));

	for (size_t i = 0; i < FRAME_TEXTS_COUNT; i++) {
		const uint8_t *text = record + places[i].at;

		head.used[i] = (uint16_t)text_used(text, places[i].size);
		head.fill[i] = text[places[i].size - 1];
		memcpy(p, text, head.used[i]);
		p += head.used[i];
	}
	head.bytes = (uint32_t)(p - ret);
	memcpy(ret, &head, sizeof(head));
	return head.bytes;
}

static bool head_is_good(const struct frame_head *head)
{
	size_t bytes = sizeof(*head);

	if (head->words[FRAME_MASKS - 1] & NO_WORDS)
		return false;
	for (size_t i = 0; i < FRAME_MASKS; i++)
		bytes += sizeof(uint64_t) * (size_t)__builtin_popcount(head->words[i]);
	for (size_t i = 0; i < FRAME_TEXTS_COUNT; i++) {
		if (head->used[i] > places[i].size)
			return false;
		bytes += head->used[i];
	}
	return head->bytes == bytes;
}

long frame_read(const uint8_t *bytes, size_t n, struct run *ret)
{
	uint8_t *record = (uint8_t *)ret;
	const uint8_t *p = bytes + sizeof(struct frame_head);
	struct frame_head head;

	if (n < sizeof(head))
		return 0;
	memcpy(&head, bytes, sizeof(head));
	if (!head_is_good(&head))
		return -EBADMSG;
	if (n < head.bytes)
		return 0;
	p = words_read(p, head.words, record);
	for (size_t i = 0; i < FRAME_TEXTS_COUNT; i++) {
		uint8_t *text = record + places[i].at;

		memcpy(text, p, head.used[i]);
		memset(text + head.used[i], head.fill[i], places[i].size - head.used[i]);
		p += head.used[i];
	}
	return head.bytes;
}
