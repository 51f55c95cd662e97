/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The examples of the RFCs themselves. */
#include "base/error.h"
#include "jose/jwt.h"
#include "tokens.h"

#include <string.h>

/* RFC 7515, A.2 and A.3 share their payload. */
#define PAYLOAD                                                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"

static void check_example(const char *jwk, const char *token)
{
	struct crypto_key *key = key_from_jwk(jwk);
	struct jws jws;
	struct jwt jwt;

	assert_int_equal(jws_parse(token, strlen(token), &jws), 0);
	assert_int_equal(jws_verify(&jws, key), 0);
	assert_int_equal(jwt_from_jws(&jws, &jwt), 0);
	assert_string_equal(jwt.iss, "joe");
	assert_int_equal(jwt.exp, 1300819380);
	assert_int_equal(jwt_check_times(&jwt, 1300819379, 0), 0);
	assert_int_equal(jwt_check_times(&jwt, 1300819380, 0), ERROR_TIMEOUT);
	jws.signature[0] ^= 0x40;
	assert_int_equal(jws_verify(&jws, key), ERROR_REFUSED);
	jwt_finish(&jwt);
	jws_finish(&jws);
	crypto_key_destroy(key);
}

static void test_rfc7515_a2_rs256(void **state)
{
	(void)state;
	check_example(
		"{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W2"
		"6mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwO"
		"WvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQ"
		"OS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXF"
		"vUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\","
		"\"e\":\"AQAB\"}",
		"eyJhbGciOiJSUzI1NiJ9." PAYLOAD
		".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF"
		"5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h"
		"6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZES"
		"c6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN"
		"_IoypGlUPQGe77Rw");
}

static void test_rfc7515_a3_es256(void **state)
{
	(void)state;
	check_example("{\"kty\":\"EC\",\"crv\":\"P-256\","
		      "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		      "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
		"eyJhbGciOiJFUzI1NiJ9." PAYLOAD
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K"
		"g6NU1Q");
}

/* RFC 8037, A.4: an Ed25519 signature is always the same. */
static void test_rfc8037_a4_eddsa(void **state)
{
	static const char token[] =
		"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_Mu"
		"M0KAg";
	static const unsigned char pkcs8_head[] = {
		0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20};
	static const char d[] = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
	struct crypto_key *key = NULL;
	struct secret der;
	size_t length;
	char *signed_again;

	(void)state;
	assert_int_equal(secret_init_empty(&der, sizeof(pkcs8_head) + 32), 0);
	memcpy(der.bytes, pkcs8_head, sizeof(pkcs8_head));
	assert_int_equal(
		base64url_decode(d, strlen(d), der.bytes + sizeof(pkcs8_head), 32, &length), 0);
	assert_int_equal(crypto_key_from_private(JOSE_EDDSA, &der, &key), 0);
	secret_finish(&der);
	assert_int_equal(judge(token, strlen(token), key), 0);
	signed_again = sign_as(key, "{\"alg\":\"EdDSA\"}", "Example of Ed25519 signing");
	assert_string_equal(signed_again, token);
	free(signed_again);
	crypto_key_destroy(key);
}

/* RFC 7515, A.1 (HS256) and A.4 (ES512), RFC 7519, 6.1 (none). */
static void test_examples_of_other_algorithms_are_refused(void **state)
{
	static const char *const headers[] = {"{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
		"{\"alg\":\"ES512\"}", "{\"alg\":\"none\"}"};
	struct crypto_key *key = new_key(JOSE_ES256);

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_int_equal(judge_free(sign_as(key, headers[i], "{}"), key), ERROR_REFUSED);
	crypto_key_destroy(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc7515_a2_rs256),
		cmocka_unit_test(test_rfc7515_a3_es256),
		cmocka_unit_test(test_rfc8037_a4_eddsa),
		cmocka_unit_test(test_examples_of_other_algorithms_are_refused),
	};

	return cmocka_run_group_tests_name("rfc", tests, NULL, NULL);
}
