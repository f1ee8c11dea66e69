/** Addresses that differ in case only reach the same person almost everywhere; two accounts for them would be a trap. */
export const normalizeEmail = (email: string) => email.normalize('NFKC').toLowerCase();
