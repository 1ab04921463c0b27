/** The engine as a module worker; it exports nothing. See `InitOptions.worker`. */
export {};
