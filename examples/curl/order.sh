#!/usr/bin/env bash
# One order from the link to the refund, on a running demo:
#
#     holdfast demo --json > demo.json &
#     bash order.sh demo.json
set -euo pipefail

if [ $# -gt 0 ]; then
	demo=$(realpath "$1") port=${2:-9000}
	# The public address is the one that buyers and the server use. Behind a proxy
	# it is not the one that this program listens at.
	public=${3:-http://localhost:$port}
	cd "$(dirname "$0")"
fi

setting() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$demo"; }
ENDPOINT=$(setting endpoint) COBRANDED=$(setting cobranded) CALLER_ID=$(setting callerId)
ACCESS_KEY_ID=$(setting accessKeyId) SECRET_KEY=$(setting secretAccessKey)
source ./holdfast.sh

# receive answers one HTTP request: buyers come to /return, notifications to
# /ipn. It writes genuine messages to two pipes, a line each.
receive() {
	local verb target name value length=0 body='' how=0
	read -r verb target _
	while IFS=': ' read -r name value && [ -n "${name%$'\r'}" ]; do
		[ "${name,,}" != content-length ] || length=${value%$'\r'}
	done
	[[ $length =~ ^[0-9]{1,5}$ ]] || length=0
	[ "$length" = 0 ] || IFS= read -r -N "$length" body
	case "$verb ${target%%\?*}" in
	"GET /return") body=${target#*\?}; verify GET "$public/return" "$body" || how=$? ;;
	"POST /ipn") verify_by_asking POST "$public/ipn" "$body" || how=$? ;;
	*) reply "404 Not Found" "There is nothing here."; return ;;
	esac
	case $how in
	0) printf '%s\n' "$body" >>"$pipes${target%%\?*}"; reply "200 OK" "Thank you." ;;
	1) echo "Refused a message." >&2; reply "403 Forbidden" "This message is not genuine." ;;
	*) reply "503 Service Unavailable" "Please try again." ;;
	esac
}

reply() {
	printf 'HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "$1" ${#2} "$2"
}

# expect ACTION STATUS ANSWER waits until the outcome is known, and stops the
# program if it is another one.
expect() {
	local answer=$3 transaction status
	transaction=$(field TransactionId "$answer")
	while status=$(field TransactionStatus "$answer"); [ "$status" = Pending ]; do
		sleep 1
		answer=$(call GetTransactionStatus TransactionId="$transaction")
	done
	echo "$1: $transaction is $status"
	[ "$status" = "$2" ] || exit 1
}

if [ $# = 0 ]; then # socat runs this program again for each request
	receive
	exit
fi

pipes=$(mktemp -d)
mkfifo "$pipes/return" "$pipes/ipn"
exec 3<>"$pipes/return" 4<>"$pipes/ipn"
export demo port public pipes
socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" EXEC:"bash order.sh" &
listener=$!
trap 'kill "$listener"; rm -r "$pipes"' EXIT

# Each thing that you want done has a reference of its own. Store it before you
# ask, so that you can ask again with the same one.
order=order-$(openssl rand -hex 4)

echo "Link for the buyer: $(link SingleUse callerReference="$order-pay" returnURL="$public/return" \
	transactionAmount=12.50 currencyCode=USD paymentReason='A mug' reserve=True)"
read -r back <&3
status=$(get status "$back")
echo "The buyer came back with status $status"
case "$status $(get callerReference "$back")" in
S[ABC]" $order-pay") ;;
*) echo "The buyer did not agree to this payment." >&2; exit 1 ;;
esac

answer=$(call Reserve SenderTokenId="$(get tokenID "$back")" CallerReference="$order-reserve" \
	TransactionAmount.Value=12.50 TransactionAmount.CurrencyCode=USD OverrideIPNURL="$public/ipn")
payment=$(field TransactionId "$answer")
expect Reserve Reserved "$answer"

# The parcel is packed and leaves: take the money. Settle has no reference, since
# a transaction is settled only once.
answer=$(call Settle ReserveTransactionId="$payment" OverrideIPNURL="$public/ipn")
expect Settle Success "$answer"

# The parcel comes back: so does the money.
answer=$(call Refund TransactionId="$payment" CallerReference="$order-refund" OverrideIPNURL="$public/ipn")
refund=$(field TransactionId "$answer")
expect Refund Success "$answer"

# Notifications come late, twice or in another order, so they are hints. Only an
# answer of the API decides what you ship.
until [ "$(get transactionId "${told:-}") $(get transactionStatus "${told:-}")" = "$refund SUCCESS" ]; do
	read -r told <&4
	echo "Notified: $(get operation "$told") $(get transactionStatus "$told") $(get transactionAmount "$told")"
done
echo "Done: $order"
