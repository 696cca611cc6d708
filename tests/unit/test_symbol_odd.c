/* SPDX-License-Identifier: MIT */
/*
 * test_symbol_odd.c - names of functions in modules that lack something, or are built another way.
 *
 * The test stands in for dl_iterate_phdr(), and makes the module up.
 */
#include "unit.h"

#include <link.h>

#include "base/symbol.h"

enum { CODE_SIZE = 64, BEFORE = 16, NAME_SIZE = 96 };

/* As it would lie in memory. */
static struct image {
	ElfW(Dyn) dynamic[4];
	ElfW(Sym) symbols[3];
	uint32_t hash[12];
	char names[16];
	char code[CODE_SIZE];
} image;

static ElfW(Phdr) headers[2];
static ElfW(Half) nr_headers;
static char name[NAME_SIZE];

#if TESTS_SANITIZED
/* Their run-time libraries ask, too. */
#define need_stand_in() skip()
#else
#define need_stand_in() ((void)0)

int dl_iterate_phdr(int (*fn)(struct dl_phdr_info *info, size_t size, void *arg), void *arg)
{
	struct dl_phdr_info info = {
		.dlpi_addr = (ElfW(Addr)) & image,
		.dlpi_name = "/somewhere/odd.so",
		.dlpi_phdr = headers,
		.dlpi_phnum = nr_headers,
	};

	return fn(&info, sizeof(info), arg);
}
#endif

#define entry(tag, field)                                                                          \
	{                                                                                          \
		.d_tag = (tag), .d_un.d_ptr = offsetof(struct image, field)                        \
	}

/* One function, "odd"; the dynamic section has offsets, as some linkers leave them. */
static void make_module(void)
{
	static const ElfW(Dyn) dynamic[] = { entry(DT_SYMTAB, symbols),
					     entry(DT_STRTAB, names),
					     entry(DT_GNU_HASH, hash),
					     { .d_tag = DT_NULL } };
	/* one bucket, first symbol 1, three bloom words; then those, the bucket, the end of a chain */
	static const uint32_t hash[] = { 1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 1, 1 };

	memcpy(image.dynamic, dynamic, sizeof(dynamic));
	memcpy(image.hash, hash, sizeof(hash));
	strcpy(image.names + 1, "odd");
	image.symbols[1] = (ElfW(Sym)){
		.st_name = 1,
		.st_info = STT_FUNC,
		.st_shndx = 1,
		.st_value = offsetof(struct image, code) + BEFORE,
		.st_size = CODE_SIZE - BEFORE,
	};
	headers[0] = (ElfW(Phdr)){ .p_type = PT_LOAD, .p_memsz = sizeof(image), .p_align = 1 };
	headers[1] = (ElfW(Phdr)){ .p_type = PT_DYNAMIC };
	nr_headers = 2;
}

static void assert_name_at(size_t at, const char *expected)
{
	wq_symbol_name((uintptr_t)image.code + at, name, sizeof(name));
	assert_string_equal(name, expected);
}

/* What a function is called of which no name can be found. */
static void assert_is_nameless(void)
{
	char expected[NAME_SIZE];

	snprintf(expected, sizeof(expected), "odd.so+0x%zx", offsetof(struct image, code) + BEFORE);
	assert_name_at(BEFORE, expected);
}

static void name_is_found_by_offsets(void **state)
{
	need_stand_in();
	make_module();
	assert_name_at(BEFORE, "odd");
	assert_name_at(BEFORE + 2, "odd+0x2");
}

static void name_is_found_by_addresses(void **state)
{
	need_stand_in();
	make_module();
	for (int i = 0; i < 3; i++)
		image.dynamic[i].d_un.d_ptr += (ElfW(Addr)) & image;
	assert_name_at(BEFORE, "odd");
}

static void module_without_a_dynamic_section_has_no_names(void **state)
{
	need_stand_in();
	make_module();
	nr_headers = 1;
	assert_is_nameless();
}

static void module_without_a_table_has_no_names(void **state)
{
	need_stand_in();
	for (int i = 0; i < 3; i++) {
		make_module();
		image.dynamic[i].d_tag = DT_DEBUG;
		assert_is_nameless();
	}
}

static void module_that_exports_nothing_has_no_names(void **state)
{
	need_stand_in();
	make_module();
	image.hash[10] = 0; /* the bucket */
	assert_is_nameless();
}

/* Behind the last one may be anything. */
static void symbol_behind_the_last_one_is_none(void **state)
{
	char expected[NAME_SIZE];

	need_stand_in();
	make_module();
	image.symbols[2] = image.symbols[1];
	image.symbols[2].st_value = offsetof(struct image, code);
	image.symbols[2].st_size = BEFORE;
	snprintf(expected, sizeof(expected), "odd.so+0x%zx", offsetof(struct image, code) + 2);
	assert_name_at(2, expected);
	image.symbols[2] = image.symbols[0];
}

/* It is mapped from there, and addresses are told from where it is mapped. */
static void module_begins_where_its_first_page_does(void **state)
{
	need_stand_in();
	make_module();
	nr_headers = 1;
	headers[0].p_vaddr = 9;
	headers[0].p_align = 16;
	assert_is_nameless();
}

static void address_that_no_module_has_is_a_number(void **state)
{
	need_stand_in();
	make_module();
	wq_symbol_name((uintptr_t)name, name, sizeof(name));
	assert_memory_equal(name, "0x", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(name_is_found_by_offsets),
		room_test(name_is_found_by_addresses),
		room_test(module_without_a_dynamic_section_has_no_names),
		room_test(module_without_a_table_has_no_names),
		room_test(module_that_exports_nothing_has_no_names),
		room_test(symbol_behind_the_last_one_is_none),
		room_test(module_begins_where_its_first_page_does),
		room_test(address_that_no_module_has_is_a_number),
	};

	return cmocka_run_group_tests_name("symbol_odd", tests, NULL, NULL);
}
