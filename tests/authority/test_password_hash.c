/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes that others made: ASP.NET Identity's own tests, pyca/bcrypt's, argon2's; and what
 * passlib, pyca/bcrypt, argon2-cffi and PHP 8.2 made of one password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/password_hash.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define OTHERS_PASSWORD "Grüße, 東京 +%&='\" 1"

struct vector {
	const char *password;
	const char *hash;
};

static const struct vector vectors[] = {
	/* ASP.NET Identity's PasswordHasherTest */
	{"my password", "ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A=="},
	{"my password", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg=="},
	{"my password",
		"AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+"
		"JIuUEw=="},
	{"my password", "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw"},
	{"my password", "AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/"
			"4YZcgBfU7EQuqv4OkVYmc4VJl9AGZz"
			"mRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw=="},
	{"my password", "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M"},
	{"my password",
		"AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08"
		"OLvplNlCDc3oQZ8efcW+jQ="},
	/* pyca/bcrypt's tests */
	{"Kk4DQuMMfZL9o", "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"},
	{"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
	{"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
	{"\xa3", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
	{"\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
	{"\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
	/* the reference implementation of Argon2 */
	{"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ"
		     "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
	{"password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ"
		     "$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
	{"password", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ"
		     "$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"},
	/* passlib, pyca/bcrypt, argon2-cffi, PHP */
	{OTHERS_PASSWORD, "$2y$04$XKxYo/5cB5vdt7bJ6N.2aupnfkSNRjxMH4TpEcH5pI4fxhF0bh2za"},
	{OTHERS_PASSWORD, "$2a$05$dmCIz/KjE42jgLebu9wj8.RqKY8.PyrhXXaMkyJkEHES2/bSgWpWm"},
	{OTHERS_PASSWORD, "$2b$04$OSJqUlAFVaQgMOgHvUXW3eKpkeyN3ARWrvHXX/EUhNK1EDaVDPfG2"},
	{OTHERS_PASSWORD, "$argon2id$v=19$m=102400,t=2,p=8$F0NQ+h5JJnsh7MGSJkTH5w"
			  "$haKJbyr9MkuWtlJ3zSj90A"},
	{OTHERS_PASSWORD, "$argon2i$v=19$m=4096,t=3,p=1$hl47MK1OGaN2MKR9EEdLfQ"
			  "$LR7b5yUB556vHEc3jM4ODQ"},
	{OTHERS_PASSWORD,
		"$argon2id$v=19$m=1024,t=2,p=4$AjbSccGa46z3AGCFL1870krilpvfqhZ8/bMfT1gFwTw$WAu2dVul"
		"Fi0lBpolWHXlhoJ2T3Lky4W7zcEbjS8dcEW3T2ZysHwIVi/whb1F2GHklB1cWR31T/APsl2QJ4JWFw"},
	{OTHERS_PASSWORD, "$argon2id$v=19$m=8192,t=3,p=2$fY/xHuPcO+c8Z6w1Rsi5tw"
			  "$7Ag4tfJf9NBKDmQR4hTFlg"},
	{OTHERS_PASSWORD, "$2y$06$qnphGd1RTL9D8G2mlTeBvey4Sr68M8jTIjGz7vxKg6zyuaRbHdQ6W"},
	{OTHERS_PASSWORD, "$argon2id$v=19$m=16384,t=2,p=1$ZHJURExhZ3RrTmlzTUhJbA"
			  "$3IqdIEghmDveqzZsgiGxj5QfC8ouMjGG94PkeXsDh3o"},
	{OTHERS_PASSWORD, "$argon2i$v=19$m=8192,t=3,p=1$M00vcVV2T2tvUURaS1dlYQ"
			  "$x4NAQXE/6ARo/afW3DpiJ6nhQcCPOeWh9fNTcEuMRAE"},
};

enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static void test_hashes_of_others(void **state)
{
	const char *problem = NULL;
	char other[256];

	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		const struct vector *vector = &vectors[i];

		if (password_hash_check(vector->hash, &problem))
			fail_msg("%s: %s", vector->hash, problem);
		if (password_hash_verify(vector->hash, vector->password))
			fail_msg("%s is another password's", vector->hash);
		(void)snprintf(other, sizeof(other), "%s ", vector->password);
		assert_int_equal(password_hash_verify(vector->hash, other), ERROR_REFUSED);
		assert_int_equal(password_hash_verify(vector->hash, ""), ERROR_REFUSED);
		assert_false(password_hash_is_current(vector->hash) &&
			     !strstr(vector->hash, "$argon2id$"));
	}
}

/* ASP.NET Identity's own cases of failure, and changed bits of every vector. */
static void test_wrong_hashes(void **state)
{
	const char *const refused[] = {
		"AAABAgMEBQYHCAkKCwwNDg+uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAALtH1uJg==",
		"AQAAAAAAAAD6AAAAEAhftMyfTJyAAAAAAAAAAAAAAAAAAAih5WsjXaR3PA9M",
	};
	char changed[STORE_PASSWORD_HASH_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(password_hash_verify(refused[i], "my password"), ERROR_REFUSED);
	for (size_t i = 0; i < VECTORS; i++) {
		size_t at;

		(void)stpcpy(changed, vectors[i].hash);
		at = strlen(changed) - 8; /* in the digest */
		changed[at] = changed[at] == 'B' ? 'C' : 'B';
		assert_int_equal(password_hash_verify(changed, vectors[i].password), ERROR_REFUSED);
	}
}

static const struct {
	const char *hash;
	int error;
	const char *says;
} malformed[] = {
	{"", ERROR_INVALID, "none of the known forms"},
	{"hunter2", ERROR_INVALID, "none of the known forms"},
	{"5f4dcc3b5aa765d61d8327deb882cf99", ERROR_INVALID, "none of the known forms"},
	{"$1$abc$def", ERROR_INVALID, "none of the known forms"},
	{"$6$rounds=5000$salt$hash", ERROR_INVALID, "none of the known forms"},
	{"$pbkdf2-sha256$29000$abc$def", ERROR_INVALID, "none of the known forms"},
	{"pbkdf2_sha256$600000$salt$hash=", ERROR_INVALID, "none of the known forms"},
	/* ASP.NET Identity: too short, with more at the end, an unknown version or function */
	{"AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggE=", ERROR_INVALID, "ASP.NET"},
	{"AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJgAAAAAAAAAAAAA=",
		ERROR_INVALID, "ASP.NET"},
	{"AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4A=", ERROR_INVALID, "ASP.NET"},
	{"AQAAAAMAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", ERROR_INVALID, "ASP.NET"},
	{"AQAAAAIAAAAAAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", ERROR_INVALID, "ASP.NET"},
	{"AQAAAAIAAAAyAAAACOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", ERROR_INVALID, "ASP.NET"},
	{"AQAAAAIAAAAy/////+Mwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", ERROR_INVALID, "ASP.NET"},
	{"AQAAAA==", ERROR_INVALID, "ASP.NET"},
	{"AQ", ERROR_INVALID, "ASP.NET"},
	{"AA!", ERROR_INVALID, "ASP.NET"},
	{"AQAAAAL/////AAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", ERROR_LIMIT,
		"too expensive"},
	/* 500,001 iterations of SHA-512 */
	{"AQAAAAIAB6EhAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", ERROR_LIMIT,
		"too expensive"},
	{"$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", ERROR_INVALID, "bcrypt"},
	{"$2$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", ERROR_INVALID, "bcrypt"},
	{"$2b$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3", ERROR_INVALID, "bcrypt"},
	{"$2b$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3ee", ERROR_INVALID, "bcrypt"},
	{"$2b$05$?OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", ERROR_INVALID, "bcrypt"},
	{"$2b$5$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3ee", ERROR_INVALID, "bcrypt"},
	{"$2b$03$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", ERROR_INVALID, "cost"},
	{"$2b$13$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", ERROR_LIMIT,
		"too expensive"},
	{"$2b$31$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", ERROR_LIMIT,
		"too expensive"},
	{"$2b", ERROR_INVALID, "bcrypt"},
	{"$argon2d$v=19$m=1024,t=2,p=1$rRiPR6lzICPvHQDG0ZdamA$EwTDMIeWU/apTJ7rAkaOkA",
		ERROR_INVALID, "Argon2d"},
	{"$argon2id$m=65536,t=2,p=1$c29tZXNhbHQAAAAAAAAAAA"
	 "$HH7u+eDpabMCRyL8hkocqfbKINpz+b8/FzGIG+riA54",
		ERROR_INVALID, "version 19"},
	{"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		ERROR_INVALID, "version 19"},
	{"$argon2id$v=19$m=0256,t=2,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		ERROR_INVALID, "version 19"},
	{"$argon2id$v=19$m=-256,t=2,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		ERROR_INVALID, "version 19"},
	{"$argon2id$v=19$t=2,m=256,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		ERROR_INVALID, "version 19"},
	{"$argon2id$v=19$m=256,t=2,p=1,data=AA$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5", ERROR_INVALID,
		"version 19"},
	{"$argon2id$v=19$m=256,t=2,p=1$c29tZQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		ERROR_INVALID, "version 19"},
	{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$bQk8UB", ERROR_INVALID, "version 19"},
	{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc$",
		ERROR_INVALID, "version 19"},
	{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", ERROR_INVALID, "version 19"},
	{"$argon2id$v=19$m=8,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		ERROR_INVALID, "impossible"},
	{"$argon2id$v=19$m=256,t=2,p=17$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		ERROR_INVALID, "impossible"},
	{"$argon2id$v=19$m=102401,t=1,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/"
	 "0ttZwg2f/5U52iv1cDc",
		ERROR_LIMIT, "too expensive"},
	{"$argon2id$v=19$m=65536,t=5,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
		ERROR_LIMIT, "too expensive"},
	{"$argon2id$v=19$m=999999999,t=999999999,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/"
	 "0ttZwg2f/5U52iv1cDc",
		ERROR_LIMIT, "too expensive"},
	{"$argon2id$v=19$m=4294967552,t=2,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/"
	 "0ttZwg2f/5U52iv1cDc",
		ERROR_INVALID, "version 19"},
};

static void test_malformed_and_too_expensive(void **state)
{
	char longer[STORE_PASSWORD_HASH_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		const char *problem = "";
		int error = password_hash_check(malformed[i].hash, &problem);

		if (error != malformed[i].error || !strstr(problem, malformed[i].says))
			fail_msg("%s: %d %s", malformed[i].hash, error, problem);
		assert_int_equal(password_hash_verify(malformed[i].hash, "x"), ERROR_INVALID);
	}
	memset(longer, 'A', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(password_hash_check(longer, &(const char *){NULL}), ERROR_LIMIT);
}

/* bcrypt reads 72 bytes; pyca/bcrypt made the hash of 100. */
static void test_bcrypt_reads_72_bytes(void **state)
{
	const char *hash = "$2b$04$wORKWVGdQzd/0fhdwkj1J.yknP3BcM0s8rLD/NucoalQjxGnjZ3ce";
	char password[PASSWORD_MAX + 1];

	(void)state;
	for (size_t i = 0; i < PASSWORD_MAX; i++)
		password[i] = (char)('0' + i % 10);
	password[PASSWORD_MAX] = '\0';
	assert_int_equal(password_hash_verify(hash, password), 0);
	password[100] = '\0';
	assert_int_equal(password_hash_verify(hash, password), 0);
	password[72] = 'x';
	assert_int_equal(password_hash_verify(hash, password), 0);
	password[72] = '\0';
	assert_int_equal(password_hash_verify(hash, password), 0);
	password[71] = 'x';
	assert_int_equal(password_hash_verify(hash, password), ERROR_REFUSED);
	password[71] = '\0';
	assert_int_equal(password_hash_verify(hash, password), ERROR_REFUSED);
}

/* Requirement 66: Argon2id, 19 MiB, two passes; every byte of a long password counts. */
static void test_our_own(void **state)
{
	char hash[STORE_PASSWORD_HASH_SIZE];
	char again[STORE_PASSWORD_HASH_SIZE];
	char password[PASSWORD_MAX + 1];
	const char *problem = NULL;

	(void)state;
	memset(password, 'x', PASSWORD_MAX);
	password[PASSWORD_MAX] = '\0';
	assert_int_equal(password_hash_make(password, hash), 0);
	assert_memory_equal(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
	assert_int_equal(password_hash_make(password, again), 0);
	assert_string_not_equal(hash, again);
	assert_int_equal(password_hash_check(hash, &problem), 0);
	assert_true(password_hash_is_current(hash));
	assert_int_equal(password_hash_verify(hash, password), 0);
	password[PASSWORD_MAX - 1] = 'y';
	assert_int_equal(password_hash_verify(hash, password), ERROR_REFUSED);
	assert_int_equal(password_hash_pretend(password), 0);
	assert_int_equal(password_hash_pretend(""), 0);
}

static void test_what_need_not_be_made_anew(void **state)
{
	(void)state;
#define ARGON2(kind, parameters)                                                                   \
	"$argon2" kind "$v=19$" parameters                                                         \
	"$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"
	assert_true(password_hash_is_current(ARGON2("id", "m=19456,t=2,p=1")));
	assert_true(password_hash_is_current(ARGON2("id", "m=65536,t=3,p=4")));
	assert_false(password_hash_is_current(ARGON2("id", "m=19455,t=2,p=1")));
	assert_false(password_hash_is_current(ARGON2("id", "m=65536,t=1,p=1")));
	assert_false(password_hash_is_current(ARGON2("i", "m=65536,t=3,p=1")));
	assert_false(password_hash_is_current(vectors[0].hash));
	assert_false(password_hash_is_current(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes_of_others),
		cmocka_unit_test(test_wrong_hashes),
		cmocka_unit_test(test_malformed_and_too_expensive),
		cmocka_unit_test(test_bcrypt_reads_72_bytes),
		cmocka_unit_test(test_our_own),
		cmocka_unit_test(test_what_need_not_be_made_anew),
	};

	return cmocka_run_group_tests_name("password_hash", tests, NULL, NULL);
}
