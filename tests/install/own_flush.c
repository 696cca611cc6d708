/* SPDX-License-Identifier: MIT */
/*
 * own_flush.c - a flush_work() that this program had before it met the library.
 */
int flush_work(int value);
int call_own_flush(int value);

int flush_work(int value)
{
	return value + 1;
}

int call_own_flush(int value)
{
	return flush_work(value);
}
