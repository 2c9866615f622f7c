export const bench = async () => [];
