/** A URL as everybody may see it: `http://user:***@host/`. Other texts stay as they are. */
export function hideUrlPassword(text: string): string {
  return text.replace(/^(\s*[a-z][a-z0-9+.-]*:\/\/[^/?#@:]*):[^/?#]*@/i, "$1:***@");
}
