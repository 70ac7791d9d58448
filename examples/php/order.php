<?php
// One order from the link to the refund, on a running demo:
//
//     holdfast demo --json > demo.json &
//     php order.php demo.json

declare(strict_types=1);

require __DIR__ . '/holdfast.php';

use Holdfast\{Client, InDoubt, NotGenuine, Refused};

use function Holdfast\field;

function main(string $demoFile, string $port = '9000', string $public = ''): void
{
    $demo = json_decode(file_get_contents($demoFile), true, flags: JSON_THROW_ON_ERROR);
    $client = new Client(
        $demo['endpoint'], $demo['cobranded'], $demo['accessKeyId'], $demo['secretAccessKey'], $demo['callerId'],
    );
    // The public address is the one that buyers and the server use. Behind a proxy
    // it is not the one that this program listens at.
    $public = $public ?: "http://localhost:$port";
    $server = stream_socket_server("tcp://127.0.0.1:$port") ?: exit(1);

    // Each thing that you want done has a reference of its own. Store it before you
    // ask, so that you can ask again with the same one.
    $order = 'order-' . bin2hex(random_bytes(4));

    echo 'Link for the buyer: ', $client->link('SingleUse', [
        'callerReference' => "$order-pay", 'returnURL' => "$public/return",
        'transactionAmount' => '12.50', 'currencyCode' => 'USD', 'paymentReason' => 'A mug', 'reserve' => 'True',
    ]), "\n";
    $back = receive($server, $client, $public, 'GET');
    echo "The buyer came back with status $back[status]\n";
    if (!in_array($back['status'], ['SA', 'SB', 'SC'], true) || $back['callerReference'] !== "$order-pay") {
        throw new Exception('the buyer did not agree to this payment');
    }

    $answer = $client->call('Reserve', [
        'SenderTokenId' => $back['tokenID'], 'CallerReference' => "$order-reserve",
        'TransactionAmount.Value' => '12.50', 'TransactionAmount.CurrencyCode' => 'USD',
        'OverrideIPNURL' => "$public/ipn",
    ]);
    $payment = field($answer, 'TransactionId');
    expect($client, 'Reserve', $answer, 'Reserved');

    // The parcel is packed and leaves: take the money. Settle has no reference,
    // since a transaction is settled only once.
    $answer = $client->call('Settle', ['ReserveTransactionId' => $payment, 'OverrideIPNURL' => "$public/ipn"]);
    expect($client, 'Settle', $answer, 'Success');

    // The parcel comes back: so does the money.
    $answer = $client->call('Refund', [
        'TransactionId' => $payment, 'CallerReference' => "$order-refund", 'OverrideIPNURL' => "$public/ipn",
    ]);
    $refund = field($answer, 'TransactionId');
    expect($client, 'Refund', $answer, 'Success');

    // Notifications come late, twice or in another order, so they are hints. Only an
    // answer of the API decides what you ship.
    do {
        $told = receive($server, $client, $public, 'POST');
        echo "Notified: $told[operation] $told[transactionStatus] $told[transactionAmount]\n";
    } while ($told['transactionId'] !== $refund || $told['transactionStatus'] !== 'SUCCESS');
    echo "Done: $order\n";
}

/** Waits until the outcome is known, and throws if it is not the wanted one. */
function expect(Client $client, string $action, SimpleXMLElement $answer, string $wanted): void
{
    $transaction = field($answer, 'TransactionId');
    while (($status = field($answer, 'TransactionStatus')) === 'Pending') {
        sleep(1);
        $answer = $client->call('GetTransactionStatus', ['TransactionId' => $transaction]);
    }
    echo "$action: $transaction is $status\n";
    if ($status !== $wanted) {
        throw new Exception("$action failed");
    }
}

/**
 * Answers requests until there is a genuine message: a return URL (GET) or a
 * notification (POST). In a shop this is the work of two pages, return.php and ipn.php:
 * a page has the query of a return URL in $_SERVER['QUERY_STRING'], and the body of a
 * notification in php://input.
 *
 * @param resource $server
 */
function receive($server, Client $client, string $public, string $wanted): array
{
    static $messages = ['GET' => [], 'POST' => []];
    while ($messages[$wanted] === []) {
        $connection = stream_socket_accept($server, -1);
        stream_set_timeout($connection, 10);
        [$verb, $target] = explode(' ', (string) fgets($connection, 16384)) + ['', ''];
        $length = 0;
        while (trim($line = (string) fgets($connection, 16384)) !== '') {
            if (stripos($line, 'content-length:') === 0) {
                $length = min((int) substr($line, 15), 65536);
            }
        }
        [$path, $query] = explode('?', $target, 2) + [1 => ''];
        $raw = $length > 0 ? (string) stream_get_contents($connection, $length) : $query;
        if ("$verb $path" === 'GET /return' || "$verb $path" === 'POST /ipn') {
            [$message, $status, $text] = check($client, $verb, $public . $path, $raw);
            array_push($messages[$verb], ...$message);
        } else {
            [$status, $text] = ['404 Not Found', 'There is nothing here.'];
        }
        fwrite($connection, "HTTP/1.1 $status\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n$text");
        fclose($connection);
    }
    return array_shift($messages[$wanted]);
}

/** Returns the message, if it is genuine, and what to answer. */
function check(Client $client, string $verb, string $address, string $raw): array
{
    try {
        // By the certificate or by asking: either way does for either kind.
        $message = $verb === 'GET' ? $client->verify($verb, $address, $raw) : $client->verifyByAsking($verb, $address, $raw);
        return [[$message], '200 OK', 'Thank you.'];
    } catch (NotGenuine | Refused $problem) {
        fwrite(STDERR, "Refused a message: {$problem->getMessage()}\n");
        return [[], '403 Forbidden', 'This message is not genuine.'];
    } catch (InDoubt $problem) {
        fwrite(STDERR, "Could not verify a message: {$problem->getMessage()}\n");
        return [[], '503 Service Unavailable', 'Please try again.'];
    }
}

try {
    main(...array_slice($argv, 1));
} catch (InDoubt $doubt) {
    fwrite(STDERR, "{$doubt->getMessage()}\nSend the same request again, with the same CallerReference.\n");
    exit(1);
} catch (Exception $problem) {
    fwrite(STDERR, $problem->getMessage() . "\n");
    exit(1);
}
