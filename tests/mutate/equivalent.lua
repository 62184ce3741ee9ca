-- Mutants that change nothing that anybody can see, each with the reason, so that they are not
-- drawn again. An entry is { path=, was=, is=, reason= }, the lines as `./dev mutate` prints them.
-- Review one as you would review code: most survivors are missing tests.
return {}
