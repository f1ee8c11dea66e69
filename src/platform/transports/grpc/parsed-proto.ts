import protobuf from 'protobufjs';

/** The document as protobuf's own library understands it, with the types that it imports. */
export function parsedProto(text: string): protobuf.Root {
  const { root, imports } = protobuf.parse(text, new protobuf.Root(), { keepCase: true });
  for (const file of imports ?? []) root.addJSON(protobuf.common.get(file)!.nested!);
  return root.resolveAll();
}
