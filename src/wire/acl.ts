import { createHmac } from 'node:crypto';

/** A user of the cluster: of 5.x authentication its name and password, of the older plain ACL its keys. */
export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary credentials. */
  readonly securityToken?: string | undefined;
}

/** Names in extFields. [SessionCredentials] */
export const ACL_FIELD = { ACCESS_KEY: 'AccessKey', SECURITY_TOKEN: 'SecurityToken', SIGNATURE: 'Signature' } as const;

/** The field that servers leave out for senders of version 4.9.3 and older. [DefaultAuthenticationContextBuilder#build] */
const UNIQUE_KEY_QUERY = '_UNIQUE_KEY_QUERY';
const LAST_VERSION_WITHOUT_IT = 399;

/**
 * What is signed: the values of all fields but the signature, in the order of their keys (by UTF-16 units, as Java compares), and the body, one
 * behind the other without separators. [AclUtils#combineRequestContent] [DefaultAuthenticationContextBuilder]
 * @param version of the sender; older than 4.9.4 leave one field out.
 */
export const signedContent = (extFields: Readonly<Record<string, string>>, body: Uint8Array | null, version = Number.MAX_SAFE_INTEGER): Buffer => {
  let text = '';
  for (const key of Object.keys(extFields).sort()) {
    if (key === ACL_FIELD.SIGNATURE || (key === UNIQUE_KEY_QUERY && version <= LAST_VERSION_WITHOUT_IT)) continue;
    text += extFields[key];
  }
  const bytes = Buffer.from(text);
  return body === null || body.length === 0 ? bytes : Buffer.concat([bytes, body]);
};

/** Base64 of HMAC-SHA1. [AclSigner#calSignature] */
export const signature = (content: Uint8Array, secretKey: string): string => createHmac('sha1', secretKey).update(content).digest('base64');

/**
 * The fields with key and signature added. Every request is signed, heartbeats too, and nothing may be added to it afterwards; answers are not.
 * The plain ACL and 5.x authentication take the same. [AclClientRPCHook#doBeforeRequest]
 */
export const signFields = (extFields: Readonly<Record<string, string>>, body: Uint8Array | null, credentials: Credentials): Readonly<Record<string, string>> => {
  const { accessKey, secretKey, securityToken } = credentials;
  const fields: Record<string, string> = { ...extFields, [ACL_FIELD.ACCESS_KEY]: accessKey };
  if (securityToken !== undefined) fields[ACL_FIELD.SECURITY_TOKEN] = securityToken;
  fields[ACL_FIELD.SIGNATURE] = signature(signedContent(fields, body), secretKey);
  return fields;
};
