#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The article's form by curl: nothing but grant_type, username, password and client_id.
# Secrets go by files, never by arguments (session.py says what is given).
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
umask 077

# step NAME COMMAND…: says how one step went; the first failure ends it.
step() {
	local name=$1
	shift
	if "$@" 2>"$folder/why"; then
		echo "ok $name"
	else
		echo "not ok $name: $(tr '\n' ' ' <"$folder/why") $(head -c 300 "$folder/body")"
		exit 1
	fi
}

seeded() {
	jq -er "$1" "$ADIT_CREDENTIALS"
}

# fetch STATUS ARGUMENT…: the body goes to a file, and the status must be the one named.
fetch() {
	local wanted=$1 status
	shift
	: >"$folder/body"
	status=$(curl --silent --show-error --max-time 60 --output "$folder/body" \
		--dump-header "$folder/head" --write-out '%{http_code}' "$@") || return 1
	[ "$status" = "$wanted" ] || { echo "status $status, not $wanted" >&2 && return 1; }
}

# holds FILTER: the last body is JSON of which the filter is true.
holds() {
	jq -e "$1" "$folder/body" >/dev/null || { echo "not so: $1" >&2 && return 1; }
}

header() {
	tr -d '\r' <"$folder/head" | grep -qix "$1" || { echo "no header $1" >&2 && return 1; }
}

discovery() {
	fetch 200 "$ADIT_AUTHORITY/.well-known/openid-configuration" &&
		holds ".issuer == \"$ADIT_AUTHORITY\"" &&
		token_endpoint=$(jq -er .token_endpoint "$folder/body")
}

# ask_token STATUS PASSWORD-FILE
ask_token() {
	fetch "$1" --data grant_type=password --data-urlencode "username@$folder/username" \
		--data-urlencode "password@$2" --data-urlencode "client_id@$folder/client_id" \
		"$token_endpoint" && header 'cache-control: no-store' && header 'pragma: no-cache' &&
		header 'content-type: application/json.*'
}

# keep_token: the last body is a token response; keeps its parts for the steps to come.
keep_token() {
	holds '.token_type == "Bearer" and .expires_in == 3600' &&
		holds '.scope | split(" ") | sort == ["cosmos", "offline_access"]' &&
		holds 'has("id_token") | not' &&
		jq -er '"Authorization: Bearer " + .access_token' "$folder/body" >"$folder/bearer" &&
		jq -ej .refresh_token "$folder/body" >"$folder/refresh_token"
}

grant() {
	ask_token 200 "$folder/password" && keep_token
}

read_own() {
	fetch 200 --header "@$folder/bearer" "$ADIT_API/api/v1/sites/$site/plans" &&
		holds 'length > 0'
}

read_other() {
	fetch 404 --header "@$folder/bearer" "$ADIT_API/api/v1/sites/no-such-site/plans" &&
		cp "$folder/body" "$folder/unknown" &&
		fetch 404 --header "@$folder/bearer" "$ADIT_API/api/v1/sites/$other/plans" || return 1
	diff <(jq 'del(.correlation_id)' "$folder/unknown") \
		<(jq 'del(.correlation_id)' "$folder/body") >&2
}

refresh() {
	cp "$folder/bearer" "$folder/old_bearer" && cp "$folder/refresh_token" "$folder/old_refresh"
	fetch 200 --data grant_type=refresh_token --data-urlencode "client_id@$folder/client_id" \
		--data-urlencode "refresh_token@$folder/old_refresh" "$token_endpoint" && keep_token &&
		! cmp -s "$folder/bearer" "$folder/old_bearer" &&
		! cmp -s "$folder/refresh_token" "$folder/old_refresh"
}

wrong_password() {
	ask_token 400 "$folder/wrong" && holds '.error == "invalid_grant"' &&
		holds '.error_description == "invalid_username_or_password"' &&
		holds '.correlation_id | test("^[A-Za-z0-9]{16}$")'
}

user='.service_users[0]'
seeded "$user.username" | tr -d '\n' >"$folder/username"
seeded "$user.password" | tr -d '\n' >"$folder/password"
seeded .client_id | tr -d '\n' >"$folder/client_id"
{ cat "$folder/password" && printf x; } >"$folder/wrong"
site=$(seeded "$user.site")
other=$(seeded "[.service_users[].site | select(. != \"$site\")][0]")

step 'discovery' discovery
step 'password grant' grant
step 'own site' read_own
step 'other site' read_other
step 'refresh' refresh
step 'own site after refresh' read_own
step 'wrong password' wrong_password
