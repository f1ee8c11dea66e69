/** Injects the configuration: `@Inject(CONFIG) config: Config`. */
export const CONFIG = Symbol('fondasi:config');
