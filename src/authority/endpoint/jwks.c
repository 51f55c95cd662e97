/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature keys, next and retired ones included (RFC 7517, 5).
 */
#include "authority/endpoint.h"
#include "authority/respond.h"

void endpoint_jwks(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct keyring_snapshot *snapshot = keyring_acquire(authority->keyring);

	(void)request;
	respond_document(ticket, snapshot->jwks, snapshot->jwks_length, KEYRING_JWKS_MAX_AGE_S);
	keyring_release(snapshot);
}
