/** How what a contract names is called in protobuf. Messages keep their names; the rest follows protobuf's style guide. */
export const PROTO_PACKAGE = 'fondasi';

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1);

/** `roomId` → `room_id`. Every generator, and protobuf's own JSON, leads back to the name in the contract. */
export const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `chat.room` → `ChatRoom`. */
export const pascalCase = (name: string) => name.split('.').map(capital).join('');

export const serviceName = (module: string) => `${capital(module)}Service`;

/** `chat.messages.post` → `MessagesPost`. */
export const operationMethod = (name: string) => pascalCase(name.slice(name.indexOf('.') + 1));

/** A channel may have the name of an operation: `users.me`. */
export const channelMethod = (name: string) => `Subscribe${operationMethod(name)}`;

/** The path of HTTP/2 under which a method is called. */
export const methodPath = (module: string, method: string) => `/${PROTO_PACKAGE}.${serviceName(module)}/${method}`;

/** Values of all enums of a package share one scope, so each begins with the name of its enum. */
export const enumValueName = (enumName: string, value: string) => `${upperSnake(enumName)}_${upperSnake(value)}`;

const upperSnake = (name: string) =>
  /^[A-Z0-9_]+$/.test(name) ? name : snakeCase(name[0]!.toLowerCase() + name.slice(1)).toUpperCase();

/** A member of a union is a field of its oneof, named after what the tag says. */
export const memberField = (value: string) => snakeCase(value[0]!.toLowerCase() + value.slice(1)).replace(/[^a-z0-9_]/g, '_');
