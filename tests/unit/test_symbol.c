/* SPDX-License-Identifier: MIT */
/*
 * test_symbol.c - names of functions.
 *
 * dladdr() and dlsym() are the oracles. Of several names for one address any will do. Unlike
 * others this program exports its functions.
 */
#include "unit.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include "base/symbol.h"

enum {
	NAME_SIZE = 96,
	DUEL_TURNS = 200,
};

/* A shared library that nothing here is linked to, and one of its functions. */
#define MODULE          "libresolv.so.2"
#define MODULE_FUNCTION "__b64_ntop"

static char name[NAME_SIZE];

double exported_function(double x);

static uintptr_t function_of(const char *module, const char *function)
{
	void *handle = dlopen(module, RTLD_NOW);
	void *address = handle ? dlsym(handle, function) : NULL;

	if (!address) {
		printf("no %s in %s\n", function, module);
		skip();
	}
	return (uintptr_t)address;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Is it "module+0xoffset", from where the module begins? */
static void check_is_offset_in_module(uintptr_t function)
{
	char expected[NAME_SIZE];
	Dl_info info;

	assert_true(dladdr((void *)function, &info));
	snprintf(expected, sizeof(expected), "%.60s+0x%lx", base_name(info.dli_fname),
		 (unsigned long)(function - (uintptr_t)info.dli_fbase));
	wq_symbol_name(function, name, sizeof(name));
	assert_string_equal(name, expected);
}

/* Does the name stand for that address? */
static bool is_name_of(const char *symbol, const char *module, uintptr_t function)
{
	return (uintptr_t)dlsym(dlopen(module, RTLD_NOW), symbol) == function;
}

static void check_inside_is_function_and_offset(uintptr_t function, const char *module)
{
	char *plus;

	for (unsigned int offset = 1; offset < 16; offset *= 2) {
		char expected[16];

		snprintf(expected, sizeof(expected), "+0x%x", offset);
		wq_symbol_name(function + offset, name, sizeof(name));
		plus = strchr(name, '+');
		assert_non_null(plus);
		assert_string_equal(plus, expected);
		*plus = '\0';
		assert_true(is_name_of(name, module, function));
	}
}

/* ------------------------------------------------------------- with a symbol */

/* Longer than the offsets that are tried. */
__attribute__((noinline)) double exported_function(double x)
{
	for (int i = 0; i < 3; i++)
		x = x * x + now_ns();
	return x;
}

static void function_of_libc_has_its_name(void **state)
{
	static const char *const functions[] = { "getenv", "qsort", "abort", "puts", "close" };

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		uintptr_t function = function_of("libc.so.6", functions[i]);

		wq_symbol_name(function, name, sizeof(name));
		assert_true(is_name_of(name, "libc.so.6", function));
	}
}

static void exported_function_of_the_program_has_its_name(void **state)
{
	wq_symbol_name((uintptr_t)exported_function, name, sizeof(name));
	assert_string_equal(name, "exported_function");
}

static void address_inside_a_function_is_function_and_offset(void **state)
{
	check_inside_is_function_and_offset((uintptr_t)exported_function, NULL);
	check_inside_is_function_and_offset(function_of("libc.so.6", "getenv"), "libc.so.6");
}

static void function_of_a_loaded_module_has_its_name(void **state)
{
	uintptr_t function = function_of(MODULE, MODULE_FUNCTION);

	wq_symbol_name(function, name, sizeof(name));
	assert_true(is_name_of(name, MODULE, function));
}

/* --------------------------------------------------------------- without one */

static void no_symbol(void)
{
	printf("called\n");
}

static void static_function_is_program_and_offset(void **state)
{
	check_is_offset_in_module((uintptr_t)no_symbol);
	assert_non_null(strstr(name, "test_symbol+0x"));
}

static void data_of_the_program_is_program_and_offset(void **state)
{
	check_is_offset_in_module((uintptr_t)&name);
}

static void data_of_a_module_is_module_and_offset(void **state)
{
	uintptr_t function = function_of(MODULE, MODULE_FUNCTION);
	Dl_info info;

	assert_true(dladdr((void *)function, &info));
	/* the ELF header: nothing's */
	check_is_offset_in_module((uintptr_t)info.dli_fbase + 8);
	assert_string_equal(name, MODULE "+0x8");
}

static void check_is_number(const void *address)
{
	char expected[NAME_SIZE];

	snprintf(expected, sizeof(expected), "0x%lx", (unsigned long)(uintptr_t)address);
	wq_symbol_name((uintptr_t)address, name, sizeof(name));
	assert_string_equal(name, expected);
}

static void address_in_no_module_is_a_number(void **state)
{
	int on_stack;
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	check_is_number(NULL);
	check_is_number((void *)UINTPTR_MAX);
	check_is_number(&on_stack);
	check_is_number(page);
	munmap(page, 4096);
}

/* ------------------------------------------------------------------- the rest */

static void name_is_cut_to_what_there_is_room_for(void **state)
{
	char small[8];

	for (size_t size = 1; size < sizeof(small); size++) {
		memset(small, 'x', sizeof(small));
		wq_symbol_name((uintptr_t)exported_function, small, size);
		assert_int_equal(strlen(small), size - 1);
		assert_int_equal(strncmp(small, "exported_function", size - 1), 0);
	}
}

static atomic_bool is_enough;

static long load_and_unload(void *arg)
{
	while (!atomic_load(&is_enough)) {
		void *handle = dlopen(MODULE, RTLD_NOW);

		must(handle);
		dlclose(handle);
	}
	return 0;
}

static void modules_may_come_and_go_meanwhile(void **state)
{
	uintptr_t function = function_of("libc.so.6", "getenv");
	struct call call;

	atomic_store(&is_enough, false);
	call_start(&call, load_and_unload, NULL);
	for (int i = 0; i < DUEL_TURNS; i++) {
		wq_symbol_name(function, name, sizeof(name));
		must(!strcmp(name, "getenv"));
		wq_symbol_name((uintptr_t)&call, name, sizeof(name));
		must(!strncmp(name, "0x", 2));
	}
	atomic_store(&is_enough, true);
	call_join(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(function_of_libc_has_its_name),
		room_test(exported_function_of_the_program_has_its_name),
		room_test(address_inside_a_function_is_function_and_offset),
		room_test(function_of_a_loaded_module_has_its_name),
		room_test(static_function_is_program_and_offset),
		room_test(data_of_the_program_is_program_and_offset),
		room_test(data_of_a_module_is_module_and_offset),
		room_test(address_in_no_module_is_a_number),
		room_test(name_is_cut_to_what_there_is_room_for),
		room_test(modules_may_come_and_go_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
