-- What to do when credentials ended in the middle, or are not enough.
--
--   sign_in.advice(code[, verb]) → text | nil: it is something else
--
-- verb: whose permissions are printed where AWS refuses; without it only ended credentials count.
local sign_in = {}

local ENDED = {
  ExpiredToken = true,
  ExpiredTokenException = true,
  ExpiredCredentials = true,
  RequestExpired = true,
  InvalidClientTokenId = true,
  UnrecognizedClientException = true,
}

-- As each protocol says that somebody may not.
local REFUSED = {
  AccessDenied = true,
  AccessDeniedException = true,
  UnauthorizedOperation = true,
  Forbidden = true,
}

function sign_in.advice(code, verb)
  if ENDED[code] then
    return "the credentials have ended; sign in again and run the same command, "
      .. "it goes on where it was"
  end

  if not (verb and REFUSED[code]) then return nil end

  return ("grant it: weir permissions %s prints what is needed"):format(verb)
end

return sign_in
