/* SPDX-License-Identifier: MIT */
/*
 * test_every_name_cxx.cpp - every name of the kernel's API, in C++17.
 */
#include "test_every_name.c"
