const pascal = (part: string) => part[0]!.toUpperCase() + part.slice(1);

/** `chat.messages.post` is the field `chatMessagesPost`. */
export const fieldName = (name: string) =>
  name
    .split('.')
    .map((part, index) => (index === 0 ? part : pascal(part)))
    .join('');

/** What the types begin with that only the operation or channel has: `ChatMessagesPost`. */
export const typeName = (name: string) => pascal(fieldName(name));

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** The field of an `@oneOf` input that stands for a member of a union: what its tag says, where that is a name. */
export const memberField = ({ name, value }: { name: string; value: string }) =>
  NAME.test(value) ? value : name[0]!.toLowerCase() + name.slice(1);
