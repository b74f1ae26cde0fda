import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { replaceFile } from "../durable-file.ts";

/** What a TLS server needs, in PEM. */
export interface ServerIdentity {
  key: string;
  cert: string;
  caFile: string;
}

interface Authority {
  certificate: X509Certificate;
  key: webcrypto.CryptoKey;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 24 * 60 * 60_000;
const AUTHORITY_DAYS = 3650;

/** The longest that common TLS clients accept for a server; a new one is made at every start. */
const SERVER_DAYS = 397;

/** Everybody may trust it. */
const CERTIFICATE_MODE = 0o644;

const NAME_CONSTRAINTS_OID = "2.5.29.30";

/**
 * The certificate of the TLS front, signed by an authority of this installation's own. The authority is made once per directory
 * and Region (`ca.pem`, `ca-key.pem` with mode 0600). It can only vouch for local names and the endpoints of DSQL in that
 * Region, so trusting it risks nothing else.
 */
export async function openAuthority(directory: string, region: string): Promise<ServerIdentity> {
  const authority = (await loadAuthority(directory, region)) ?? (await makeAuthority(directory, region));
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await signServer(authority, serverNames(region), keys);
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    key: PemConverter.encode(pkcs8, "PRIVATE KEY"),
    cert: certificate.toString("pem"),
    caFile: join(directory, "ca.pem"),
  };
}

async function signServer(authority: Authority, names: readonly string[], keys: webcrypto.CryptoKeyPair) {
  return X509CertificateGenerator.create({
    subject: "CN=Offshoot local DSQL",
    issuer: authority.certificate.subject,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + SERVER_DAYS * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: "dns" as const, value })),
        { type: "ip", value: "127.0.0.1" },
      ]),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      await AuthorityKeyIdentifierExtension.create(authority.certificate),
    ],
  });
}

function serverNames(region: string): string[] {
  return [`*.dsql.${region}.on.aws`, "*.dsql.localhost", "localhost"];
}

function authorityName(region: string): string {
  return `CN=Offshoot local DSQL authority ${region}`;
}

async function makeAuthority(directory: string, region: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: authorityName(region),
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + AUTHORITY_DAYS * DAY_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      new Extension(NAME_CONSTRAINTS_OID, true, nameConstraints(region)),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  // The key goes first: a certificate without its key would be trusted by somebody and used by nobody.
  replaceFile(join(directory, "ca-key.pem"), PemConverter.encode(pkcs8, "PRIVATE KEY"));
  replaceFile(join(directory, "ca.pem"), `${certificate.toString("pem")}\n`, CERTIFICATE_MODE);
  return { certificate, key: keys.privateKey };
}

/** Nothing, when there is no authority yet, or one of another Region, or one that ends before its servers would. */
async function loadAuthority(directory: string, region: string): Promise<Authority | undefined> {
  const read = (name: string) => readFile(join(directory, name), "utf8").catch(() => undefined);
  const [pem, keyPem] = [await read("ca.pem"), await read("ca-key.pem")];
  if (pem === undefined || keyPem === undefined) return undefined;
  const certificate = new X509Certificate(pem);
  const ends = certificate.notAfter.getTime() - SERVER_DAYS * DAY_MS;
  if (certificate.subject !== authorityName(region) || ends < Date.now()) return undefined;
  const key = await webcrypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(keyPem), ALGORITHM, false, [
    "sign",
  ]);
  return { certificate, key };
}

/** RFC 5280, 4.2.1.10: a DNS name in the permitted set covers itself and all names below it; an address comes with its mask. */
function nameConstraints(region: string): Uint8Array<ArrayBuffer> {
  const [sequence, permitted, dnsName, address] = [0x30, 0xa0, 0x82, 0x87];
  const names = [`dsql.${region}.on.aws`, "dsql.localhost", "localhost"].map((name) =>
    der(dnsName, Buffer.from(name)),
  );
  const loopback = der(address, Buffer.from([127, 0, 0, 1, 255, 255, 255, 255]));
  const subtrees = [...names, loopback].map((base) => der(sequence, base));
  return Uint8Array.from(der(sequence, der(permitted, Buffer.concat(subtrees))));
}

/** One DER element of at most 255 bytes. */
function der(tag: number, content: Buffer): Buffer {
  const length = content.length < 128 ? [content.length] : [0x81, content.length];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
