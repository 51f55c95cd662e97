/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error codes of the OAuth registry that Adit sends or reads: RFC 6749 4.1.2.1
 * and 5.2, RFC 6750 3.1, and one of Adit's own for "too many requests".
 */
#ifndef OAUTH_ERROR_H
#define OAUTH_ERROR_H

/* RFC 6749, 5.2 */
#define OAUTH_INVALID_REQUEST "invalid_request"
#define OAUTH_INVALID_CLIENT "invalid_client"
#define OAUTH_INVALID_GRANT "invalid_grant"
#define OAUTH_UNAUTHORIZED_CLIENT "unauthorized_client"
#define OAUTH_UNSUPPORTED_GRANT_TYPE "unsupported_grant_type"
#define OAUTH_INVALID_SCOPE "invalid_scope"

/* RFC 7009, 2.2.1 */
#define OAUTH_UNSUPPORTED_TOKEN_TYPE "unsupported_token_type"

/* RFC 6749, 4.1.2.1 */
#define OAUTH_SERVER_ERROR "server_error"
#define OAUTH_TEMPORARILY_UNAVAILABLE "temporarily_unavailable"

/* RFC 6750, 3.1 */
#define OAUTH_INVALID_TOKEN "invalid_token"
#define OAUTH_INSUFFICIENT_SCOPE "insufficient_scope"

/* RFC 8628, 3.5; here the code of every 429 */
#define OAUTH_SLOW_DOWN "slow_down"

#endif
