/** Where Hugging Face's hub is, unless a mirror is named. */
export const hubEndpoint = "https://huggingface.co";

/** What is sent to the hub with each request; nothing without an access token. */
export function hubHeaders(token: string | undefined): { readonly [name: string]: string } {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}
