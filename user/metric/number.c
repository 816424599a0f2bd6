/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/number.h"

#include <string.h>

#define DIGITS_MAX 20

static const uint64_t powers[NUMBER_SCALE_MAX + 1] = {
	1ull,
	10ull,
	100ull,
	1000ull,
	10000ull,
	100000ull,
	1000000ull,
	10000000ull,
	100000000ull,
	1000000000ull,
	10000000000ull,
	100000000000ull,
	1000000000000ull,
	10000000000000ull,
	100000000000000ull,
	1000000000000000ull,
	10000000000000000ull,
	100000000000000000ull,
	1000000000000000000ull,
	10000000000000000000ull,
};

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

static char *write_whole(char *p, uint64_t value)
{
	char digits[DIGITS_MAX * 2];
	char *first = digits + DIGITS_MAX;

	while (value >= 100) {
		first -= 2;
		memcpy(first, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		first -= 2;
		memcpy(first, pairs + value * 2, 2);
	} else {
		*--first = (char)('0' + value);
	}
	/* A constant length is one or two instructions where the true length would be a call. */
	memcpy(p, first, DIGITS_MAX);
	return p + (digits + DIGITS_MAX - first);
}

static char *write_fraction(char *p, uint64_t fraction, unsigned scale)
{
	*p++ = '.';
	for (uint64_t unit = powers[scale] / 10; fraction; unit /= 10) {
		*p++ = (char)('0' + fraction / unit);
		fraction %= unit;
	}
	return p;
}

char *number_write(char *p, uint64_t value, unsigned scale)
{
	if (scale == 0)
		return write_whole(p, value);

	uint64_t fraction = value % powers[scale];
	p = write_whole(p, value / powers[scale]);
	return fraction ? write_fraction(p, fraction, scale) : p;
}

static int exponent_of(uint64_t value, unsigned scale)
{
	int digits = 1;

	while (digits <= NUMBER_SCALE_MAX && value >= powers[digits])
		digits++;
	return digits - 1 - (int)scale;
}

static char *write_exponent(char *p, int exponent)
{
	unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);

	*p++ = 'e';
	*p++ = exponent < 0 ? '-' : '+';
	memcpy(p, pairs + size * 2, 2);
	return p + 2;
}

char *number_write_bound(char *p, uint64_t value, unsigned scale, bool openmetrics)
{
	int exponent = value ? exponent_of(value, scale) : 0;

	/* Where strconv.FormatFloat(value, 'g', -1, 64) changes over. */
	if (exponent < -4 || exponent >= 6) {
		p = number_write(p, value, (unsigned)(exponent + (int)scale));
		return write_exponent(p, exponent);
	}

	char *end = number_write(p, value, scale);
	if (openmetrics && !memchr(p, '.', (size_t)(end - p))) {
		*end++ = '.';
		*end++ = '0';
	}
	return end;
}
