/** The address of the engine, as a bundler gives it. */
declare const address: string;
export default address;
