local xml = require("weir.xml")

describe("weir.xml.decode", function()
  local function refuses(text, reason)
    local tree, message, code = xml.decode(text)
    assert.is_nil(tree)
    assert.equal("InvalidXml", code)
    assert.matches(reason, message)
  end

  it("builds a tree of elements with their text", function()
    local tree = assert(xml.decode([==[<?xml version="1.0" encoding="UTF-8"?>
      <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Name>b</Name>
        <Contents><Key>a &amp; b&#x20AC;</Key><Size>5</Size></Contents>
        <Contents><Key> spaces kept </Key></Contents>
        <Empty/><x:Prefixed xmlns:x="y"><![CDATA[<raw>]]></x:Prefixed>
      </ListBucketResult>]==]))
    assert.equal("ListBucketResult", tree.name)
    assert.same({ name = "Name", text = "b" }, tree[1])
    assert.equal("", tree.text)
    assert.equal("a & b€", tree[2][1].text)
    assert.equal("5", tree[2][2].text)
    assert.equal(" spaces kept ", tree[3][1].text)
    assert.same({ name = "Empty", text = "" }, tree[4])
    assert.same({ name = "Prefixed", text = "<raw>" }, tree[5])
    assert.equal(5, #tree)
  end)

  it("skips white space before the declaration, which S3 sends while it works", function()
    for _, blank in ipairs({ "", " ", "\n", " \r\n\t ", (" "):rep(100000) }) do
      assert.equal("A", assert(xml.decode(blank
        .. '<?xml version="1.0" encoding="UTF-8"?><A/>')).name)
    end

    refuses("  ", "no element found")
    refuses("\0<A/>", ".")
  end)

  it("drops text beside children, before and after them", function()
    assert.same({ name = "a", text = "", { name = "b", text = "x" } },
      xml.decode("<a>1<b>x</b>2</a>"))
  end)

  it("names the place of a mistake", function()
    refuses("<a>\n<b></a>", "^line 2, column %d+: mismatched tag$")
    refuses("", "no element found")
    refuses("<a>", "no element found")
    refuses("<a/><b/>", "junk")
    refuses("<html><br></html>", "mismatched")
    refuses("<a>\255</a>", "invalid token")
    refuses("<a>\0</a>", "invalid token")
  end)

  it("refuses document types, and so every entity bomb", function()
    refuses('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "document type")
    refuses('<!DOCTYPE a SYSTEM "http://x/"><a/>', "document type")
    refuses("<a>&x;</a>", "undefined entity")
  end)

  it("bounds depth and count, and takes long texts in stride", function()
    assert(xml.decode(("<a>"):rep(64) .. ("</a>"):rep(64)))
    refuses(("<a>"):rep(65) .. ("</a>"):rep(65), "nested too deeply")
    refuses(("<a>"):rep(1000000), "nested too deeply")
    refuses("<r>" .. ("<a/>"):rep(500000) .. "</r>", "too many elements")
    local started = os.clock()
    assert.equal(5000000, #xml.decode("<a>" .. ("x"):rep(5000000) .. "</a>").text)
    assert.is_true(os.clock() - started < 1)
  end)

  it("raises on a caller's mistake", function()
    assert.error_matches(function() xml.decode(5) end, "xml%.decode%(text%)")
  end)
end)
