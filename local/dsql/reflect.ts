/**
 * @peculiar/x509 asks its dependency container for a metadata API on `Reflect` when it is loaded. This is the part that is used;
 * import it before that library.
 */
type Metadata = Map<unknown, unknown>;

const store = new WeakMap<object, Metadata>();

function own(key: unknown, target: object): unknown {
  return store.get(target)?.get(key);
}

const api = {
  defineMetadata(key: unknown, value: unknown, target: object): void {
    const metadata = store.get(target) ?? new Map<unknown, unknown>();
    store.set(target, metadata.set(key, value));
  },
  getOwnMetadata: own,
  getMetadata(key: unknown, target: object): unknown {
    for (
      let object: object | null = target;
      object;
      object = Object.getPrototypeOf(object) as object | null
    ) {
      if (store.get(object)?.has(key)) return own(key, object);
    }
    return undefined;
  },
};

if (!("getMetadata" in Reflect)) Object.assign(Reflect, api);
