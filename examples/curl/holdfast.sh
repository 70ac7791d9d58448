# A client of Holdfast's Query API for bash 4 or newer, with curl and openssl.
# It signs links and requests, calls the API, and verifies what the server
# sends. Copy this file, and source it after you have set:
#
#   ENDPOINT, COBRANDED        the server's addresses
#   ACCESS_KEY_ID, SECRET_KEY  the caller's keys
#   CALLER_ID                  the caller; messages for others are refused
#
# Parameters are passed as name=value, not encoded.

export LC_ALL=C # bytes, not characters: for encoding here, and for sort

# link PIPELINE NAME=VALUE... prints the address that starts a pipeline.
link() {
	set -- pipelineName="$1" "${@:2}" callerKey="$ACCESS_KEY_ID" version=2009-01-09 \
		signatureVersion=2 signatureMethod=HmacSHA256
	local signature
	signature=$(string_to_sign GET "$COBRANDED" "$(canonical "$@")" | hmac_sha256)
	printf '%s?%s\n' "$COBRANDED" "$(canonical "$@" signature="$signature")"
}

# call ACTION NAME=VALUE... prints the answer, XML. It returns 1 if the server
# refuses the request, and prints why to standard error. It returns 2 if the
# outcome is in doubt: no answer arrived, and the request may have been carried
# out or not. Send it again with the same CallerReference, never with a new one.
call() {
	set -- Action="$1" "${@:2}" Version=2010-08-28 AWSAccessKeyId="$ACCESS_KEY_ID" \
		SignatureVersion=2 SignatureMethod=HmacSHA256 Timestamp="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
	local signature body answer status pause
	signature=$(string_to_sign POST "$ENDPOINT" "$(canonical "$@")" | hmac_sha256)
	body=$(canonical "$@" Signature="$signature")
	# After a lost answer or a passing fault (5xx) nobody knows whether the
	# request was carried out. Sending it again is safe.
	for pause in 0 0.4 1.6 6.4; do
		sleep "$pause"
		answer=$(printf %s "$body" | curl -sS --max-time 50 --data-binary @- -w '\n%{http_code}' "$ENDPOINT") || continue
		status=${answer##*$'\n'} answer=${answer%$'\n'*}
		case "$status $answer" in
		200*"</ResponseMetadata>"*) printf '%s\n' "$answer"; return 0 ;;
		4??*"</Code>"*) echo "${1#*=} is refused: $(field Code "$answer"): $(field Message "$answer")" >&2; return 1 ;;
		esac
	done
	echo "${1#*=} is in doubt: send it again, with the same CallerReference" >&2
	return 2
}

# field NAME XML prints the text of the first element of that name.
field() {
	[[ $2 =~ "<$1>"([^<]*)"</$1>" ]] && printf '%s\n' "${BASH_REMATCH[1]}"
}

# verify VERB ADDRESS RAW succeeds if a message is the server's and for this
# caller, and returns 1 if not. It returns 2 if the server cannot be asked: the
# message may be genuine. The verb is GET for a return URL and POST for a notification. The
# address is the public one without a query; raw is the query or the body, as it
# arrived. The signature is checked by the server's certificate.
verify() {
	local folder result=0
	check_fields "$1" "$3" || return 1
	folder=$(mktemp -d)
	matches "$folder" "$@" || result=$?
	rm -r "$folder"
	return $result
}

# verify_by_asking does the same as verify, by one more call and without RSA.
verify_by_asking() {
	local answer
	check_fields "$1" "$3" || return 1
	answer=$(call VerifySignature UrlEndPoint="$2" HttpParameters="$3") || return $?
	[ "$(field VerificationStatus "$answer")" = Success ]
}

# get NAME RAW prints the decoded value of a field of a query or body.
get() {
	local pair pairs
	IFS='&' read -ra pairs <<<"$2"
	for pair in "${pairs[@]}"; do
		[ "${pair%%=*}" != "$1" ] || decode "${pair#*=}"
	done
}

# check_fields checks all of a message but its signature.
check_fields() {
	local names kind=GET
	[[ $2 =~ ^[A-Za-z0-9_.~%=\&-]+$ ]] || return 1 # the server encodes all else
	names=$(tr '&' '\n' <<<"$2" | cut -d= -f1)
	[[ $names != *%* ]] || return 1                    # no name needs encoding
	[ -z "$(sort <<<"$names" | uniq -d)" ] || return 1 # a field occurs twice
	! grep -qx notificationType <<<"$names" || kind=POST
	[ "$kind" = "$1" ] && [ "$(get callerId "$2")" = "$CALLER_ID" ] &&
		[ "$(get signatureVersion "$2")" = 2 ] && [ "$(get signatureMethod "$2")" = RSA-SHA1 ]
}

# matches FOLDER VERB ADDRESS RAW checks the signature, with files in FOLDER.
matches() {
	local folder=$1 verb=$2 address=$3 raw=$4 certificate
	# Anybody can send us a message that names their own certificate.
	certificate=$(get certificateUrl "$raw")
	certificate=${certificate%%\?*}
	[[ $certificate =~ ^"${ENDPOINT}certs/"[A-Za-z0-9]+/PKICert\.pem$ ]] || return 1
	curl -sS --fail --max-time 10 -o "$folder/cert.pem" "$certificate" || return 2
	openssl x509 -in "$folder/cert.pem" -pubkey -noout >"$folder/key.pem" || return 2
	get signature "$raw" | base64 -d >"$folder/signature" 2>"$folder/errors" || return 1
	# The server encodes the parameters as it signs them; they need only be sorted.
	string_to_sign "$verb" "$address" "$(tr '&' '\n' <<<"$raw" | grep -v '^signature=' | sort_by_name)" |
		openssl dgst -sha1 -verify "$folder/key.pem" -signature "$folder/signature" >"$folder/errors" 2>&1 || return 1
}

# string_to_sign VERB ADDRESS CANONICAL prints the text of signature version 2:
# verb, host, path and parameters, a line each. The path is taken as it is, so it
# must not need encoding.
string_to_sign() {
	local host path=/
	host=${2#*://}
	[[ $host != */* ]] || path=/${host#*/} host=${host%%/*}
	case $2 in
	http:*) host=${host%:80} ;;
	https:*) host=${host%:443} ;;
	esac
	printf '%s\n%s\n%s\n%s' "$1" "${host,,}" "$path" "$3"
}

# canonical NAME=VALUE... encodes parameters as they are signed, sorted by name.
canonical() {
	local pair
	for pair; do
		printf '%s=%s\n' "$(encode "${pair%%=*}")" "$(encode "${pair#*=}")"
	done | sort_by_name
}

sort_by_name() { sort -t= -k1,1 | paste -sd '&'; }

# encode TEXT keeps A-Za-z0-9-_.~ and writes every other byte as %XX.
encode() {
	local i c encoded=''
	for ((i = 0; i < ${#1}; i++)); do
		c=${1:i:1}
		if [[ $c != [A-Za-z0-9_.~-] ]]; then
			printf -v c %d "'$c"
			printf -v c %%%02X $((c & 255))
		fi
		encoded+=$c
	done
	printf '%s\n' "$encoded"
}

decode() {
	local text=${1//\\/\\\\}
	text=${text//+/ }
	printf '%b\n' "${text//%/\\x}"
}

# hmac_sha256 signs standard input. Unlike "openssl dgst -hmac KEY" it keeps the
# key out of the list of processes. The key has 64 bytes at most.
hmac_sha256() {
	local i byte inner='' outer=''
	for ((i = 0; i < 64; i++)); do
		printf -v byte %d "'${SECRET_KEY:i:1}"
		printf -v inner '%s\\x%02x' "$inner" $((byte ^ 0x36))
		printf -v outer '%s\\x%02x' "$outer" $((byte ^ 0x5c))
	done
	{
		printf %b "$outer"
		{ printf %b "$inner"; cat; } | openssl dgst -sha256 -binary
	} | openssl dgst -sha256 -binary | base64
}
