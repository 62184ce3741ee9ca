// What aws-local-stepfunctions takes from Node 22, for Node 18 and 20. Import it before that.
Promise.withResolvers ??= function withResolvers() {
  let resolve, reject;
  const promise = new this((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
};
