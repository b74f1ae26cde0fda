/** In the place of a part of a library that a bundle leaves out, because nothing of ours ever asks for it. */
export default {};
