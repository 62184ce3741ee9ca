-- What to do when credentials ended in the middle.
--
--   sign_in.advice(code) → text | nil: it is something else
local sign_in = {}

local ENDED = {
  ExpiredToken = true,
  ExpiredTokenException = true,
  ExpiredCredentials = true,
  RequestExpired = true,
  InvalidClientTokenId = true,
  UnrecognizedClientException = true,
}

function sign_in.advice(code)
  if not ENDED[code] then return nil end
  return "the credentials have ended; sign in again and run the same command, "
    .. "it goes on where it was"
end

return sign_in
