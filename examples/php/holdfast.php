<?php
// A client of Holdfast's Query API for PHP 8.1 or newer, with the extensions curl,
// openssl and simplexml. It signs links and requests, calls the API, and verifies
// what the server sends: return URLs and notifications. Copy this file into your
// program.

declare(strict_types=1);

namespace Holdfast;

/** The server refused a request. Branch on errorCode, such as InvalidParams. */
class Refused extends \Exception
{
    public function __construct(public readonly string $errorCode, string $message)
    {
        parent::__construct("$errorCode: $message");
    }
}

/**
 * No answer arrived, so the request may have been carried out or not. Send the
 * same request again, with the same CallerReference: the server carries it out
 * once. Never send it under a new reference.
 */
class InDoubt extends \Exception
{
}

/** The message may not be from the server. Believe nothing in it. */
class NotGenuine extends \Exception
{
}

class Client
{
    private const TRIES = 4; // of one request

    /** Certificates in PEM, by their address. Keep them longer than a request. */
    private array $certificates = [];

    /** Messages for other callers than $callerId are refused. */
    public function __construct(
        private readonly string $endpoint, // such as https://fps.example.com/
        private readonly string $cobranded,
        private readonly string $accessKeyId,
        #[\SensitiveParameter] private readonly string $secretKey,
        private readonly string $callerId,
    ) {
    }

    /** Returns the address that starts a pipeline, for the buyer's browser. */
    public function link(string $pipeline, array $params): string
    {
        $params += [
            'callerKey' => $this->accessKeyId,
            'pipelineName' => $pipeline,
            'version' => '2009-01-09',
            'signatureVersion' => '2',
            'signatureMethod' => 'HmacSHA256',
        ];
        $params['signature'] = $this->sign('GET', $this->cobranded, $params);
        return $this->cobranded . '?' . canonical($params);
    }

    /** Carries out an action and returns its answer. */
    public function call(string $action, array $params): \SimpleXMLElement
    {
        $params += [
            'Action' => $action,
            'Version' => '2010-08-28',
            'AWSAccessKeyId' => $this->accessKeyId,
            'SignatureVersion' => '2',
            'SignatureMethod' => 'HmacSHA256',
            'Timestamp' => gmdate('Y-m-d\TH:i:s\Z'),
        ];
        $params['Signature'] = $this->sign('POST', $this->endpoint, $params);
        // After a lost answer or a passing fault (5xx) nobody knows whether the
        // request was carried out. Sending it again is safe.
        for ($attempt = 0; $attempt < self::TRIES; $attempt++) {
            if ($attempt > 0) {
                usleep(100_000 * 4 ** $attempt);
            }
            [$status, $body] = http($this->endpoint, 50, canonical($params));
            $answer = $status > 0 && $status < 500 ? simplexml_load_string($body, options: LIBXML_NOERROR) : false;
            if ($answer === false) {
                continue;
            }
            if ($status === 200 && field($answer, 'RequestId') !== '') {
                return $answer;
            }
            if (field($answer, 'Code') !== '') {
                throw new Refused(field($answer, 'Code'), field($answer, 'Message'));
            }
        }
        throw new InDoubt("$action: " . ($status > 0 ? "status $status" : $body));
    }

    private function sign(string $verb, string $address, array $params): string
    {
        return base64_encode(hash_hmac('sha256', stringToSign($verb, $address, $params), $this->secretKey, true));
    }

    /**
     * Returns the fields of a genuine message, and throws NotGenuine for others.
     * The verb is GET for a return URL and POST for a notification. The address is
     * the public one without a query, as the server knows it; raw is the query or
     * the body, as it arrived. The signature is checked by the server's certificate.
     */
    public function verify(string $verb, string $address, string $raw): array
    {
        $fields = $this->fields($verb, $raw);
        $text = stringToSign($verb, $address, array_diff_key($fields, ['signature' => '']));
        $signature = base64_decode($fields['signature']);
        if (openssl_verify($text, $signature, $this->certificate($fields['certificateUrl']), OPENSSL_ALGO_SHA1) !== 1) {
            throw new NotGenuine('the signature does not match');
        }
        return $fields;
    }

    /** Does the same as verify, by one more call and without RSA. */
    public function verifyByAsking(string $verb, string $address, string $raw): array
    {
        $fields = $this->fields($verb, $raw);
        $answer = $this->call('VerifySignature', ['UrlEndPoint' => $address, 'HttpParameters' => $raw]);
        if (field($answer, 'VerificationStatus') !== 'Success') {
            throw new NotGenuine('the server did not sign it');
        }
        return $fields;
    }

    /** Reads a message and checks all but its signature. */
    private function fields(string $verb, string $raw): array
    {
        // Not parse_str, which changes names and keeps the last of two fields.
        $fields = [];
        foreach (explode('&', $raw) as $pair) {
            [$name, $value] = array_map(urldecode(...), explode('=', $pair, 2) + [1 => '']);
            if (isset($fields[$name])) {
                throw new NotGenuine('a field occurs twice');
            }
            $fields[$name] = $value;
        }
        if (!isset($fields['signature'], $fields['certificateUrl'])) {
            throw new NotGenuine('it is not signed');
        }
        if (($fields['signatureVersion'] ?? '') !== '2' || ($fields['signatureMethod'] ?? '') !== 'RSA-SHA1') {
            throw new NotGenuine('it is not signed by RSA-SHA1');
        }
        if (($fields['callerId'] ?? '') !== $this->callerId) {
            throw new NotGenuine('it is for another caller');
        }
        if (isset($fields['notificationType']) !== ($verb === 'POST')) {
            throw new NotGenuine('it is a message of the other kind');
        }
        return $fields;
    }

    /**
     * Fetches a certificate, once, and only from our server: anybody can send us a
     * message that names their own certificate, or ours with many different queries.
     */
    private function certificate(string $url): string
    {
        $address = explode('?', $url, 2)[0];
        $ours = '~^' . preg_quote("{$this->endpoint}certs/", '~') . '[A-Za-z0-9]+/PKICert\.pem$~D';
        if (!preg_match($ours, $address)) {
            throw new NotGenuine("the certificate is not our server's");
        }
        if (!isset($this->certificates[$address])) {
            [$status, $body] = http($address, 10);
            if ($status !== 200) {
                throw new InDoubt("fetching the certificate: status $status");
            }
            if (openssl_pkey_get_public($body) === false) {
                throw new NotGenuine('the certificate cannot be read');
            }
            $this->certificates[$address] = $body;
        }
        return $this->certificates[$address];
    }
}

/** Returns the text of an answer's first element of that name. */
function field(\SimpleXMLElement $answer, string $name): string
{
    return (string) ($answer->xpath("//*[local-name()='$name']")[0] ?? '');
}

/**
 * Sends a GET, or a POST if there is a body. Returns status and body; the status is
 * 0 when there was no answer, and the body then says why.
 */
function http(string $address, int $seconds, ?string $body = null): array
{
    $curl = curl_init($address);
    curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => $seconds]);
    if ($body !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
    }
    $answer = curl_exec($curl);
    return $answer === false ? [0, curl_error($curl)] : [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $answer];
}

/** Encodes parameters as they are signed: sorted by name, all but A-Za-z0-9-_.~ as %XX. */
function canonical(array $params): string
{
    ksort($params, SORT_STRING);
    return http_build_query($params, '', '&', PHP_QUERY_RFC3986);
}

/** Returns the text of signature version 2: verb, host, path and parameters, a line each. */
function stringToSign(string $verb, string $address, array $params): string
{
    $url = parse_url($address);
    $host = strtolower($url['host']);
    if (isset($url['port']) && $url['port'] !== ['http' => 80, 'https' => 443][$url['scheme']]) {
        $host .= ":{$url['port']}";
    }
    $path = implode('/', array_map(rawurlencode(...), explode('/', rawurldecode($url['path'] ?? '/'))));
    return implode("\n", [$verb, $host, $path, canonical($params)]);
}
