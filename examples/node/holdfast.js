// A client of Holdfast's Query API that needs nothing but Node's own library. It
// signs links and requests, calls the API, and verifies what the server sends:
// return URLs and notifications. Copy this file into your program.

import { createHmac, createPublicKey, verify as verifySignature } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const TRIES = 4; // of one request

// The server refused a request. Branch on the code, such as InvalidParams.
export class Refused extends Error {
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

// No answer arrived, so the request may have been carried out or not. Send the
// same request again, with the same CallerReference: the server carries it out
// once. Never send it under a new reference.
export class InDoubt extends Error {}

// The message may not be from the server. Believe nothing in it.
export class NotGenuine extends Error {}

export class Client {
  #secretKey;
  #keys = new Map(); // of certificates, by their address

  // Messages for other callers than callerId are refused.
  constructor({ endpoint, cobranded, accessKeyId, secretAccessKey, callerId }) {
    Object.assign(this, { endpoint, cobranded, accessKeyId, callerId });
    this.#secretKey = secretAccessKey;
  }

  // link returns the address that starts a pipeline, for the buyer's browser.
  link(pipelineName, params) {
    params = {
      ...params,
      callerKey: this.accessKeyId,
      pipelineName,
      version: "2009-01-09",
      signatureVersion: "2",
      signatureMethod: "HmacSHA256",
    };
    params.signature = this.#sign("GET", this.cobranded, params);
    return `${this.cobranded}?${canonical(params)}`;
  }

  // call carries out an action and returns its answer, XML.
  async call(action, params) {
    params = {
      ...params,
      Action: action,
      Version: "2010-08-28",
      AWSAccessKeyId: this.accessKeyId,
      SignatureVersion: "2",
      SignatureMethod: "HmacSHA256",
      Timestamp: new Date().toISOString(),
    };
    params.Signature = this.#sign("POST", this.endpoint, params);
    const request = {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: canonical(params),
      redirect: "error",
    };
    // After a lost answer or a passing fault (5xx) nobody knows whether the
    // request was carried out. Sending it again is safe.
    let problem;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt > 0) await sleep(100 * 4 ** attempt);
      let response, answer;
      try {
        response = await fetch(this.endpoint, { ...request, signal: AbortSignal.timeout(50_000) });
        answer = await response.text();
      } catch (error) {
        problem = error.cause ?? error;
        continue;
      }
      const code = field(answer, "Code");
      if (response.ok && field(answer, "RequestId")) return answer;
      if (response.status < 500 && code) throw new Refused(code, field(answer, "Message"));
      problem = new Error(`status ${response.status}`);
    }
    throw new InDoubt(`${action}: ${problem.message}`);
  }

  #sign(verb, address, params) {
    return createHmac("sha256", this.#secretKey).update(stringToSign(verb, address, params)).digest("base64");
  }

  // verify returns the fields of a genuine message, and throws NotGenuine for
  // others. The verb is GET for a return URL and POST for a notification. The
  // address is the public one without a query, as the server knows it; raw is
  // the query or the body, as it arrived. The signature is checked by the
  // server's certificate.
  async verify(verb, address, raw) {
    const { signature, ...signed } = this.#fields(verb, raw);
    const text = Buffer.from(stringToSign(verb, address, signed));
    const key = await this.#key(signed.certificateUrl);
    if (!verifySignature("RSA-SHA1", text, key, Buffer.from(signature, "base64"))) {
      throw new NotGenuine("the signature does not match");
    }
    return signed;
  }

  // verifyByAsking does the same as verify, by one more call and without RSA.
  async verifyByAsking(verb, address, raw) {
    const { signature, ...signed } = this.#fields(verb, raw);
    const answer = await this.call("VerifySignature", { UrlEndPoint: address, HttpParameters: raw });
    if (field(answer, "VerificationStatus") !== "Success") throw new NotGenuine("the server did not sign it");
    return signed;
  }

  // #fields reads a message and checks all but its signature.
  #fields(verb, raw) {
    const pairs = [...new URLSearchParams(raw)];
    const fields = Object.fromEntries(pairs);
    if (Object.keys(fields).length !== pairs.length) throw new NotGenuine("a field occurs twice");
    if (!fields.signature || !fields.certificateUrl) throw new NotGenuine("it is not signed");
    if (fields.signatureVersion !== "2" || fields.signatureMethod !== "RSA-SHA1") {
      throw new NotGenuine("it is not signed by RSA-SHA1");
    }
    if (fields.callerId !== this.callerId) throw new NotGenuine("it is for another caller");
    if ("notificationType" in fields !== (verb === "POST")) throw new NotGenuine("it is a message of the other kind");
    return fields;
  }

  // #key fetches a certificate, once, and only from our server: anybody can send
  // us a message that names their own certificate, or ours with many different
  // queries.
  async #key(certificateUrl) {
    const [address] = certificateUrl.split("?");
    const prefix = `${this.endpoint}certs/`;
    if (!address.startsWith(prefix) || !/^[A-Za-z0-9]+\/PKICert\.pem$/.test(address.slice(prefix.length))) {
      throw new NotGenuine("the certificate is not our server's");
    }
    if (!this.#keys.has(address)) {
      const response = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(10_000) });
      if (!response.ok) throw new Error(`fetching the certificate: status ${response.status}`);
      this.#keys.set(address, createPublicKey(await response.text()));
    }
    return this.#keys.get(address);
  }
}

// field returns the text of an answer's first element of that name. Answers have
// no attributes in the elements that hold text.
export function field(answer, name) {
  const text = answer.match(new RegExp(`<${name}>([^<]*)</${name}>`))?.[1];
  const entities = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text?.replace(/&(#x?[0-9a-f]+|\w+);/gi, (all, entity) =>
    entity[0] === "#" ? String.fromCodePoint(Number(entity.slice(1).replace(/^x/i, "0x"))) : (entities[entity] ?? all));
}

// canonical encodes parameters as they are signed: sorted by name, all but
// A-Za-z0-9-_.~ as %XX.
function canonical(params) {
  return Object.keys(params).sort().map((name) => `${escape(name)}=${escape(params[name])}`).join("&");
}

function escape(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
}

// stringToSign returns the text of signature version 2: verb, host, path and
// parameters, a line each. URL leaves the scheme's own port out of the host.
function stringToSign(verb, address, params) {
  const url = new URL(address);
  const path = decodeURIComponent(url.pathname).split("/").map(escape).join("/");
  return [verb, url.host, path, canonical(params)].join("\n");
}
